package contract

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/url"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/fairlead/fairlead/internal/job"
)

// MaxProblems is the most problems in one answer.
const MaxProblems = 100

// location is what the document is called while its schemas are compiled.
const location = "urn:fairlead:openapi"

// schemas compiles schemas in the document. Requests in it use what OpenAPI
// 3.0's schemas and JSON Schema 2020-12 have in common.
type schemas struct{ compiler *jsonschema.Compiler }

func newSchemas(document []byte) (*schemas, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	if err != nil {
		return nil, fmt.Errorf("decode the REST document: %w", err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	compiler.RegisterFormat(&jsonschema.Format{Name: "int32", Validate: isInt32})
	if err := compiler.AddResource(location, doc); err != nil {
		return nil, fmt.Errorf("read the REST document: %w", err)
	}
	return &schemas{compiler: compiler}, nil
}

// compile compiles the schema at a JSON pointer in the document.
func (s *schemas) compile(at string) (*jsonschema.Schema, error) {
	schema, err := s.compiler.Compile(location + "#" + (&url.URL{Fragment: at}).EscapedFragment())
	if err != nil {
		return nil, fmt.Errorf("compile the schema at %s: %w", at, err)
	}
	return schema, nil
}

// isInt32 is the format int32: what the generated code can hold.
func isInt32(value any) error {
	number, ok := value.(json.Number)
	if !ok {
		return nil
	}
	if n, err := number.Int64(); err != nil || n < math.MinInt32 || n > math.MaxInt32 {
		return errors.New("not a whole number of 32 bits")
	}
	return nil
}

// problems returns every place at which value breaks the schema; prefix begins their pointers.
func problems(schema *jsonschema.Schema, value any, prefix string) []job.Field {
	err := schema.Validate(value)
	if err == nil {
		return nil
	}
	invalid := new(jsonschema.ValidationError)
	if !errors.As(err, &invalid) {
		return []job.Field{{Pointer: prefix, Message: "this value can't be checked"}}
	}
	var fields []job.Field
	explain(invalid, schema, prefix, &fields)
	slices.SortStableFunc(fields, func(a, b job.Field) int { return strings.Compare(a.Pointer, b.Pointer) })
	return fields[:min(len(fields), MaxProblems)]
}

// explain adds the problems at the leaves of err.
func explain(err *jsonschema.ValidationError, schema *jsonschema.Schema, prefix string, fields *[]job.Field) {
	for _, cause := range err.Causes {
		explain(cause, schema, prefix, fields)
	}
	if len(err.Causes) > 0 {
		return
	}
	at := prefix + Pointer(err.InstanceLocation...)
	add := func(at, format string, args ...any) {
		*fields = append(*fields, job.Field{Pointer: at, Message: fmt.Sprintf(format, args...)})
	}
	switch k := err.ErrorKind.(type) {
	case *kind.AdditionalProperties:
		for _, name := range k.Properties[:min(len(k.Properties), MaxProblems)] {
			add(at+Pointer(name), "unknown key `%s`%s", Shorten(name), allowed(schema, err.InstanceLocation))
		}
	case *kind.Required:
		add(at, "missing: %s", strings.Join(k.Missing, ", "))
	case *kind.Type:
		add(at, "this is %s; it must be %s", article(k.Got), article(strings.Join(k.Want, " or ")))
	case *kind.Enum:
		add(at, "`%s` is none of %s", Shorten(fmt.Sprint(k.Got)), list(k.Want))
	case *kind.Pattern:
		add(at, "`%s` must match %s", Shorten(k.Got), k.Want)
	case *kind.Format:
		add(at, "`%s` is not %s", Shorten(fmt.Sprint(k.Got)), formatName(k.Want))
	case *kind.Minimum:
		add(at, "%s is less than %s, the least", k.Got.RatString(), k.Want.RatString())
	case *kind.Maximum:
		add(at, "%s is more than %s, the most", k.Got.RatString(), k.Want.RatString())
	case *kind.MinLength:
		add(at, "this has %d characters; the least is %d", k.Got, k.Want)
	case *kind.MaxLength:
		add(at, "this has %d characters; the most is %d", k.Got, k.Want)
	default:
		add(at, "%s", err.ErrorKind.LocalizedString(message.NewPrinter(language.English)))
	}
}

// formatName is a format in words.
func formatName(format string) string {
	switch format {
	case "int32":
		return "a whole number of at most 32 bits"
	case "date-time":
		return "a time such as 2026-01-05T00:00:00Z"
	}
	return "of the format " + format
}

// allowed names the keys that the document has at its top level.
func allowed(schema *jsonschema.Schema, at []string) string {
	for schema.Ref != nil {
		schema = schema.Ref
	}
	if len(at) > 0 || len(schema.Properties) == 0 {
		return ""
	}
	return "; allowed: " + strings.Join(slices.Sorted(maps.Keys(schema.Properties)), ", ")
}

func list(values []any) string {
	texts := make([]string, len(values))
	for i, value := range values {
		texts[i] = fmt.Sprint(value)
	}
	return strings.Join(texts, ", ")
}

// article is "an object", "a string", "null".
func article(kind string) string {
	switch {
	case kind == "null":
		return kind
	case strings.IndexByte("aeiou", kind[0]) >= 0:
		return "an " + kind
	}
	return "a " + kind
}

// Shorten cuts a found text to a message's length.
func Shorten(text string) string {
	const most = 60
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

// Pointer is the JSON pointer of a path (RFC 6901); overlong keys in it are cut.
func Pointer(path ...string) string {
	const most = 256
	escaper := strings.NewReplacer("~", "~0", "/", "~1")
	var b strings.Builder
	for _, segment := range path {
		if len(segment) > most {
			segment = strings.ToValidUTF8(segment[:most], "")
		}
		b.WriteByte('/')
		b.WriteString(escaper.Replace(segment))
	}
	return b.String()
}
