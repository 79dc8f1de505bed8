package engine

import (
	"context"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/store"
	"github.com/fairlead/fairlead/workflows"
)

// recordPause is how late, at most, a run's progress is recorded.
const recordPause = 500 * time.Millisecond

// Jobs is where the definitions are.
type Jobs interface {
	// Job returns one version of a job.
	Job(ctx context.Context, team, name string, version int) (store.Job, error)
}

// StartRun starts the workflow of an acknowledged run. It may be called any
// number of times, by anyone, at once: there is one workflow. The run's first
// record notes that there is. CodeUnavailable when Temporal is away; then a
// sweep calls it again.
func StartRun(ctx context.Context, c client.Client, jobs Jobs, run store.Run) error {
	version, err := jobs.Job(ctx, run.Team, run.Job, run.Version)
	if err != nil {
		return err
	}
	in := Input(run, version)
	_, err = c.ExecuteWorkflow(ctx, workflows.StartOptions(in), workflows.TypeRun, in)
	if err != nil && !temporal.IsWorkflowExecutionAlreadyStartedError(err) {
		return job.Wrap(job.CodeUnavailable, err, "Temporal did not take the run; it is queued and starts when Temporal is back")
	}
	return nil
}

// Input is what a run's workflow is started with.
func Input(run store.Run, version store.Job) workflows.RunInput {
	return workflows.RunInput{
		Run: activities.Run{
			ID: run.ID, Team: run.Team, Job: run.Job, Version: run.Version, CreatedAt: run.CreatedAt, By: run.Trigger.By,
		},
		Definition: version.Canonical,
		Input:      run.Input,
		Vars:       run.Vars,
		Trigger:    run.Trigger.Kind,
		Priority:   run.Priority, RecordPause: recordPause,
	}
}
