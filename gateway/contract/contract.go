// Package contract reads the REST document: which operations there are, and
// what their parameters and bodies may be.
package contract

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// Contract is a REST document that has been read. It never changes.
type Contract struct {
	document   []byte
	operations []*Operation
	routes     map[string]*Operation
}

// Operation is one method of one path.
type Operation struct {
	// ID is the operationId: the name of the generated method.
	ID string
	// Method and Path are as in the document, such as GET and /v1/runs/{run}.
	Method, Path string
	// Open says that it needs no token.
	Open bool
	// Types are the content types its body may have, in alphabetical order; none: it takes no body.
	Types []string
	// BodyRequired says that it makes no sense without a body.
	BodyRequired bool

	parameters []parameter
	body       *body
}

// Load reads an OpenAPI 3.0 document in YAML.
func Load(document []byte) (*Contract, error) {
	asJSON, err := yaml.YAMLToJSON(document)
	if err != nil {
		return nil, fmt.Errorf("read the REST document: %w", err)
	}
	var doc openapi
	if err := json.Unmarshal(asJSON, &doc); err != nil {
		return nil, fmt.Errorf("decode the REST document: %w", err)
	}
	schemas, err := newSchemas(asJSON)
	if err != nil {
		return nil, err
	}
	c := &Contract{document: asJSON, routes: map[string]*Operation{}}
	for path, item := range doc.Paths {
		for method, definition := range item.methods() {
			operation, err := doc.operation(schemas, path, method, item, definition)
			if err != nil {
				return nil, fmt.Errorf("%s %s: %w", method, path, err)
			}
			c.operations = append(c.operations, operation)
			c.routes[method+" "+routeOf(path)] = operation
		}
	}
	slices.SortFunc(c.operations, func(a, b *Operation) int {
		return strings.Compare(a.Path+" "+a.Method, b.Path+" "+b.Method)
	})
	return c, nil
}

// JSON is the document as JSON; the caller doesn't change it.
func (c *Contract) JSON() []byte { return c.document }

// Operations lists every operation by path and method; the caller doesn't change it.
func (c *Contract) Operations() []*Operation { return c.operations }

// Operation returns the operation of a method and a router's pattern, which
// has `:name` for the document's `{name}`; nil where there is none.
func (c *Contract) Operation(method, route string) *Operation { return c.routes[method+" "+route] }

// Has reports whether the path has a parameter of that name.
func (o *Operation) Has(name string) bool { return strings.Contains(o.Path, "{"+name+"}") }

// routeOf turns the document's path into the router's pattern.
func routeOf(path string) string {
	return strings.NewReplacer("{", ":", "}", "").Replace(path)
}

// openapi is the part of an OpenAPI document that this package understands.
type openapi struct {
	Paths      map[string]pathItem `json:"paths"`
	Components struct {
		Parameters    map[string]parameterObject `json:"parameters"`
		RequestBodies map[string]bodyObject      `json:"requestBodies"`
		Schemas       map[string]schemaObject    `json:"schemas"`
	} `json:"components"`
}

type pathItem struct {
	Parameters []parameterObject `json:"parameters"`
	Get        *operationObject  `json:"get"`
	Put        *operationObject  `json:"put"`
	Post       *operationObject  `json:"post"`
	Patch      *operationObject  `json:"patch"`
	Delete     *operationObject  `json:"delete"`
}

func (p pathItem) methods() map[string]*operationObject {
	methods := map[string]*operationObject{
		http.MethodGet: p.Get, http.MethodPut: p.Put, http.MethodPost: p.Post, http.MethodPatch: p.Patch, http.MethodDelete: p.Delete,
	}
	for method, definition := range methods {
		if definition == nil {
			delete(methods, method)
		}
	}
	return methods
}

type operationObject struct {
	ID          string            `json:"operationId"`
	Parameters  []parameterObject `json:"parameters"`
	RequestBody *bodyObject       `json:"requestBody"`
	// Security is nil where the document's own holds, and empty where none is needed.
	Security *[]map[string][]string `json:"security"`
}

type parameterObject struct {
	Ref    string       `json:"$ref"`
	Name   string       `json:"name"`
	In     string       `json:"in"`
	Schema schemaObject `json:"schema"`
}

type bodyObject struct {
	Ref      string `json:"$ref"`
	Required bool   `json:"required"`
	Content  map[string]struct {
		Schema schemaObject `json:"schema"`
	} `json:"content"`
}

type schemaObject struct {
	Ref   string        `json:"$ref"`
	Type  string        `json:"type"`
	Items *schemaObject `json:"items"`
}

// operation makes one operation of its definition.
func (d openapi) operation(schemas *schemas, path, method string, item pathItem, definition *operationObject) (*Operation, error) {
	o := &Operation{
		ID: definition.ID, Method: method, Path: path,
		Open: definition.Security != nil && len(*definition.Security) == 0,
	}
	where := Pointer("paths", path)
	for i, object := range item.Parameters {
		if err := d.addParameter(o, schemas, object, where+Pointer("parameters", fmt.Sprint(i))); err != nil {
			return nil, err
		}
	}
	where += Pointer(strings.ToLower(method))
	for i, object := range definition.Parameters {
		if err := d.addParameter(o, schemas, object, where+Pointer("parameters", fmt.Sprint(i))); err != nil {
			return nil, err
		}
	}
	if definition.RequestBody == nil {
		return o, nil
	}
	return o, d.setBody(o, schemas, *definition.RequestBody, where+Pointer("requestBody"))
}

// addParameter adds a parameter whose definition stands at where.
func (d openapi) addParameter(o *Operation, schemas *schemas, object parameterObject, where string) error {
	if name, ok := strings.CutPrefix(object.Ref, "#/components/parameters/"); ok {
		object, where = d.Components.Parameters[name], Pointer("components", "parameters", name)
	}
	schema, err := schemas.compile(where + Pointer("schema"))
	if err != nil {
		return err
	}
	kind := d.resolve(object.Schema)
	o.parameters = append(o.parameters, parameter{
		in: object.In, name: object.Name, list: kind.Type == "array", integer: kind.Type == "integer", schema: schema,
	})
	return nil
}

// setBody sets the body whose definition stands at where.
func (d openapi) setBody(o *Operation, schemas *schemas, object bodyObject, where string) error {
	if name, ok := strings.CutPrefix(object.Ref, "#/components/requestBodies/"); ok {
		object, where = d.Components.RequestBodies[name], Pointer("components", "requestBodies", name)
	}
	o.BodyRequired = object.Required
	for contentType := range object.Content {
		o.Types = append(o.Types, contentType)
	}
	slices.Sort(o.Types)
	if len(o.Types) > 1 { // a document that is read as bytes: its own language checks it
		return nil
	}
	schema, err := schemas.compile(where + Pointer("content", o.Types[0], "schema"))
	if err != nil {
		return err
	}
	o.body = &body{schema: schema}
	return nil
}

// resolve follows a schema's reference.
func (d openapi) resolve(schema schemaObject) schemaObject {
	if name, ok := strings.CutPrefix(schema.Ref, "#/components/schemas/"); ok {
		return d.Components.Schemas[name]
	}
	return schema
}
