// Package examples holds job files: some that run on the dev stack as they are, and complete
// ones of the kinds that people bring, which call the systems that upstreams plays.
package examples

import (
	"embed"
	"fmt"
)

//go:embed */job.yaml
var files embed.FS

// Names lists the examples.
func Names() []string {
	return []string{
		"platform_health", "chain", "graph", "fails_on_purpose",
		"nightly_etl", "orders_to_sql", "database_upgrade", "order_to_invoice", "month_end",
		"erasure", "partner_export", "tenant_reports", "incremental_load", "health_monitor",
	}
}

// File returns the job file of an example.
func File(name string) ([]byte, error) {
	source, err := files.ReadFile(name + "/job.yaml")
	if err != nil {
		return nil, fmt.Errorf("no example %q: %w", name, err)
	}
	return source, nil
}
