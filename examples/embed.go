// Package examples holds job files that run on the dev stack as they are.
package examples

import (
	"embed"
	"fmt"
)

//go:embed */job.yaml
var files embed.FS

// Names lists the examples.
func Names() []string {
	return []string{"platform_health", "chain", "graph", "fails_on_purpose"}
}

// File returns the job file of an example.
func File(name string) ([]byte, error) {
	source, err := files.ReadFile(name + "/job.yaml")
	if err != nil {
		return nil, fmt.Errorf("no example %q: %w", name, err)
	}
	return source, nil
}
