// Package schema holds Fairlead's contracts: the job file's grammar, the actions, the REST document, and the database's migrations.
package schema

import (
	"embed"
	"io/fs"
)

//go:embed job.schema.json openapi.yaml actions/*.json migrations/*.sql
var files embed.FS

// Job is the JSON Schema (2020-12) of the job file.
func Job() []byte { return must("job.schema.json") }

// OpenAPI is the REST contract as YAML.
func OpenAPI() []byte { return must("openapi.yaml") }

// Actions maps the name of every action to its contract, a JSON object of
// name, summary, input, output, effect and example.
func Actions() map[string][]byte {
	entries, err := files.ReadDir("actions")
	if err != nil {
		return nil
	}
	actions := make(map[string][]byte, len(entries))
	for _, entry := range entries {
		name := entry.Name()
		actions[name[:len(name)-len(".json")]] = must("actions/" + name)
	}
	return actions
}

// Migrations are the numbered goose migrations of Fairlead's own database.
func Migrations() fs.FS {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		return files // unreachable: the folder is embedded
	}
	return sub
}

// must reads an embedded file; it exists by construction of the embed pattern.
func must(name string) []byte {
	data, err := files.ReadFile(name)
	if err != nil {
		return nil
	}
	return data
}
