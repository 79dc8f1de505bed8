package main

import (
	"context"
	"fmt"
	"strings"
)

// Case is one shape of run, made in the same way on both sides.
type Case struct {
	Name string
	// Steps of a run, all at once or one after the other.
	Steps    int
	Parallel bool
	// Clients submit a run each, wait for its end, and submit the next, until Runs have ended.
	Clients, Runs int
	// Limit is what the ratio of Fairlead to the floor should keep: at least it for
	// throughput, at most it for time. Zero: none is set.
	Limit      float64
	Throughput bool // runs a second count, not the time of one
}

// cases are what the report has.
func cases() []Case {
	return []Case{
		{Name: "1 step, 40 clients", Steps: 1, Clients: 40, Runs: 400, Limit: 0.85, Throughput: true},
		{Name: "1 step, alone", Steps: 1, Clients: 1, Runs: 40},
		{Name: "10 sequential steps, alone", Steps: 10, Clients: 1, Runs: 10, Limit: 1.1},
		{Name: "10 sequential steps, 10 clients", Steps: 10, Clients: 10, Runs: 40, Throughput: true},
		{Name: "40 parallel steps, alone", Steps: 40, Parallel: true, Clients: 1, Runs: 8, Limit: 1.1},
	}
}

// job is the case's job file; every step calls the target.
func (c Case) job() (name, file string) {
	var b strings.Builder
	name = fmt.Sprintf("bench_%d", c.Steps)
	fmt.Fprintf(&b, "apiVersion: fairlead/v1\nname: %s\ninput:\n  type: object\n  required: [target]\n  properties: {target: {type: string}}\nsteps:\n", name)
	for i := range c.Steps {
		fmt.Fprintf(&b, "  - id: s%d\n    uses: http\n    with: {url: \"${input.target}\"}\n", i)
		if c.Parallel {
			b.WriteString("    needs: []\n")
		}
	}
	return name, b.String()
}

// side is one of the two that are compared.
type side interface {
	// prepare makes the case's runs possible.
	prepare(ctx context.Context, c Case) error
	// run makes one run and returns its workflow's ID when it has ended well.
	run(ctx context.Context, c Case) (string, error)
}
