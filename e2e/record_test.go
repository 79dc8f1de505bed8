package e2e_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/temporalproto"
	"go.temporal.io/sdk/client"

	"github.com/fairlead/fairlead/internal/devstack"
	"github.com/fairlead/fairlead/workflows"
)

// histories is where to write the histories of this test's runs, for the replay tests.
var histories = flag.String("record", "", "write a history of each feature to this folder")

// features are the jobs whose first ended run shows a feature of its own, some of them by
// how it ended. The job `large` is not one of them: its values are in S3, not in its history.
func features() []string {
	return []string{
		"passes_on", "branches", "retry", "timeout", "deadline", "interrupted", "told", "fails_on_purpose", "platform_health",
		"continues", "retry_rules", "polls", "waits", "groups", "parent", "child", "child-http_status", "variables",
		"callback", "callback-answered", "approval-succeeded", "approval-approval_rejected", "approval-canceled", "fan_out-succeeded", "fan_out-items_failed",
		"undoes-succeeded", "undoes-http_status", "undoes-canceled",
		"pass_timeout", "cleanup_timeout-succeeded", "cleanup_timeout-enough", "approval_timeout", "patience", "handed_over-interrupted", "handed_over-canceled",
	}
}

// firstRuns has the first run of each job that a case waited for, and the first that ended so.
var firstRuns sync.Map

// remember keeps a run for its history.
func remember(last run) {
	firstRuns.LoadOrStore(last.Job, last.ID)
	how := last.Status
	if last.Error != nil {
		how = last.Error.Code
	}
	firstRuns.LoadOrStore(last.Job+"-"+how, last.ID)
}

// record writes the histories that were asked for.
func record(ctx context.Context, stack *devstack.Stack) error {
	if *histories == "" {
		return nil
	}
	temporal, err := client.Dial(client.Options{
		HostPort: stack.Config().Temporal["TEMPORAL_ADDRESS"], Namespace: stack.Config().Temporal["TEMPORAL_NAMESPACE"],
	})
	if err != nil {
		return err
	}
	defer temporal.Close()
	ids := map[string]string{"upkeep": workflows.UpkeepID}
	for _, job := range features() {
		id, ok := firstRuns.Load(job)
		if !ok {
			return fmt.Errorf("no case waited for a run of %s", job)
		}
		ids["run-"+job] = workflows.RunID("default", id.(string))
		if slices.Contains([]string{"told", "platform_health"}, job) {
			ids["notify-"+job] = workflows.NotifyID("default", id.(string))
		}
	}
	for name, id := range ids {
		if err := recordOne(ctx, temporal, id, filepath.Join(*histories, name+".json")); err != nil {
			return fmt.Errorf("history of %s: %w", id, err)
		}
	}
	return nil
}

func recordOne(ctx context.Context, temporal client.Client, id, file string) error {
	history := &historypb.History{}
	events := temporal.GetWorkflowHistory(ctx, id, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			return err
		}
		history.Events = append(history.Events, event)
	}
	raw, err := temporalproto.CustomJSONMarshalOptions{Indent: "  "}.Marshal(history)
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(raw, '\n'), 0o644)
}
