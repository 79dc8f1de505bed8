package job

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/fairlead/fairlead/schema"
)

// grammarURL names the job file's schema in errors; nothing is fetched.
const grammarURL = "https://fairlead.dev/schema/v1/job.schema.json"

// compiled is a JSON Schema with the document it was made of.
type compiled struct {
	schema *jsonschema.Schema
	doc    any
	// language: it is the job file's own, whose keys have hints.
	language bool
}

// grammar is the job file's schema, compiled at the first use.
var grammar = sync.OnceValues(func() (*compiled, error) {
	compiled, err := compileSchema(grammarURL, schema.Job())
	if err == nil {
		compiled.language = true
	}
	return compiled, err
})

// compileSchema compiles a JSON Schema 2020-12 document. Formats are asserted; nothing is fetched.
func compileSchema(url string, raw []byte) (*compiled, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return nil, Wrap(CodeInternal, err, "a schema is not JSON: "+url)
	}
	compiler := newCompiler()
	if err := compiler.AddResource(url, doc); err != nil {
		return nil, Wrap(CodeInternal, err, "a schema can't be added: "+url)
	}
	result, err := compiler.Compile(url)
	if err != nil {
		return nil, fmt.Errorf("compile %s: %w", url, err)
	}
	return &compiled{schema: result, doc: doc}, nil
}

// newCompiler returns a compiler that asserts formats and fetches nothing.
func newCompiler() *jsonschema.Compiler {
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	compiler.AssertFormat()
	compiler.UseLoader(noLoader{})
	return compiler
}

// noLoader refuses every schema that isn't at hand.
type noLoader struct{}

// Load refuses.
func (noLoader) Load(url string) (any, error) {
	return nil, fmt.Errorf("%s: references to other documents are not allowed", url)
}

// violations returns the leaves of a validation: what is wrong, where, in the order of places.
func (c *compiled) violations(value any) []*jsonschema.ValidationError {
	err := c.schema.Validate(value)
	if err == nil {
		return nil
	}
	var failed *jsonschema.ValidationError
	if !errors.As(err, &failed) {
		return nil
	}
	found := leaves(failed, nil)
	// The validator goes through a map in any order.
	slices.SortStableFunc(found, func(a, b *jsonschema.ValidationError) int {
		return slices.Compare(a.InstanceLocation, b.InstanceLocation)
	})
	return found
}

// decodeExact decodes JSON, keeping numbers as they are written.
func decodeExact(raw []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	if decoder.More() {
		return nil, errors.New("more than one JSON value")
	}
	return value, nil
}

// checkGrammar validates a document against schema/job.schema.json.
func (c *checker) checkGrammar() {
	grammar, err := grammar()
	if err != nil {
		c.add(nil, "the job schema can't be compiled: "+err.Error())
		return
	}
	for _, violation := range grammar.violations(c.root.value()) {
		if c.full() {
			return
		}
		for _, found := range explain(grammar, violation, c.root) {
			if found.key {
				c.addKey(found.path, found.message)
			} else {
				c.add(found.path, found.message)
			}
		}
	}
}
