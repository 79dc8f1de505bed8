// Package api is generated from schema/openapi.yaml: the models, the server's
// interface, and the Go client. `go generate ./gateway/api` makes it anew.
package api

//go:generate go tool -modfile=../../tools/oapi/go.mod oapi-codegen -config types.yaml ../../schema/openapi.yaml
//go:generate go tool -modfile=../../tools/oapi/go.mod oapi-codegen -config server.yaml ../../schema/openapi.yaml
//go:generate go tool -modfile=../../tools/oapi/go.mod oapi-codegen -config client.yaml ../../schema/openapi.yaml
