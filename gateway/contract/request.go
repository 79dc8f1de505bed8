package contract

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/fairlead/fairlead/internal/job"
)

// Where a parameter may be.
const (
	inPath   = "path"
	inQuery  = "query"
	inHeader = "header"
)

// parameter is one parameter of an operation.
type parameter struct {
	in, name string
	list     bool // it may repeat
	integer  bool
	schema   *jsonschema.Schema
}

type body struct{ schema *jsonschema.Schema }

// CheckPath returns what is wrong with the path's parameters; value gives one by its name.
func (o *Operation) CheckPath(value func(name string) string) []job.Field {
	var fields []job.Field
	for _, p := range o.in(inPath) {
		fields = append(fields, p.check([]string{value(p.name)})...)
	}
	return fields
}

// CheckQuery returns what is wrong with the query's parameters, the unknown among them.
func (o *Operation) CheckQuery(query url.Values) []job.Field {
	var fields []job.Field
	known := map[string]bool{}
	for _, p := range o.in(inQuery) {
		known[p.name] = true
		if values, given := query[p.name]; given {
			fields = append(fields, p.check(values)...)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(query)) {
		if !known[name] {
			fields = append(fields, job.Field{Pointer: Pointer(inQuery, name), Message: fmt.Sprintf("unknown query parameter `%s`; allowed: %s", Shorten(name), names(known))})
		}
	}
	return fields
}

// CheckHeader returns what is wrong with those headers that the operation knows.
func (o *Operation) CheckHeader(header http.Header) []job.Field {
	var fields []job.Field
	for _, p := range o.in(inHeader) {
		if values := header.Values(p.name); len(values) > 0 {
			fields = append(fields, p.check([]string{strings.Join(values, ", ")})...)
		}
	}
	return fields
}

// CheckBody returns what is wrong with a JSON body, decoded with UseNumber.
func (o *Operation) CheckBody(value any) []job.Field {
	if o.body == nil {
		return nil
	}
	return problems(o.body.schema, value, "")
}

func (o *Operation) in(place string) []parameter {
	return slices.DeleteFunc(slices.Clone(o.parameters), func(p parameter) bool { return p.in != place })
}

// check returns what is wrong with a parameter's values.
func (p parameter) check(values []string) []job.Field {
	at := Pointer(p.in, p.name)
	for _, value := range values {
		if !utf8.ValidString(value) || strings.ContainsRune(value, 0) {
			return []job.Field{{Pointer: at, Message: "this must be UTF-8 without zero bytes"}}
		}
	}
	if p.list {
		items := make([]any, len(values))
		for i, value := range values {
			items[i] = value
		}
		return problems(p.schema, items, at)
	}
	if len(values) > 1 {
		return []job.Field{{Pointer: at, Message: "this is given more than once: give it once"}}
	}
	if !p.integer {
		return problems(p.schema, values[0], at)
	}
	if _, err := strconv.ParseInt(values[0], 10, 64); err != nil {
		return []job.Field{{Pointer: at, Message: fmt.Sprintf("`%s` is not a whole number", Shorten(values[0]))}}
	}
	return problems(p.schema, json.Number(values[0]), at)
}

func names(known map[string]bool) string {
	if len(known) == 0 {
		return "none"
	}
	return strings.Join(slices.Sorted(maps.Keys(known)), ", ")
}
