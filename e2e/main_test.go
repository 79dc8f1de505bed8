// Package e2e runs whole cases on the whole stack, through the REST API only. A case is a
// folder with the job.yaml it runs and the golden answers it gets.
package e2e_test

import (
	"context"
	"flag"
	"os"
	"testing"

	"go.temporal.io/sdk/worker"

	"github.com/fairlead/fairlead/e2e/harness"
	"github.com/fairlead/fairlead/internal/devstack"
)

// world is the stack that every case runs on. It is made once: there can be one S3 server
// in a process, and a Temporal server takes seconds to start.
var world *devstack.Stack

// sticky is how many workflows a worker keeps in memory: with 0 every workflow task replays the whole history.
var sticky = flag.Int("sticky", -1, "size of the workers' sticky cache; -1 leaves the SDK's")

func TestMain(m *testing.M) {
	flag.Parse()
	if *sticky >= 0 {
		worker.SetStickyWorkflowCacheSize(*sticky)
	}
	os.Exit(harness.Run(harness.Options{
		Prepare: func(_ context.Context, stack *devstack.Stack) error {
			world = stack
			return nil
		},
		Then: record,
	}, m.Run))
}
