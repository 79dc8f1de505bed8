package engine_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/mocks"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/store"
	"github.com/fairlead/fairlead/workflows"
)

// jobs has one version of one job.
type jobs struct{ version store.Job }

func (j jobs) Job(_ context.Context, team, name string, version int) (store.Job, error) {
	if team != j.version.Team || name != j.version.Job || version != j.version.Version {
		return store.Job{}, job.Errorf(job.CodeNotFound, "no such version")
	}
	return j.version, nil
}

// acknowledged is a run that is only a row yet, and its job.
func acknowledged() (store.Run, jobs) {
	run := store.Run{
		ID: "run_1", Team: "finance", Job: "load", Version: 2, Input: []byte(`{"a":1}`), Vars: []byte(`{"region":"eu"}`), Priority: 4,
		Trigger: store.Trigger{Kind: "api", By: "ana"}, CreatedAt: time.Date(2026, time.January, 5, 6, 0, 0, 0, time.UTC),
	}
	return run, jobs{store.Job{Team: "finance", Job: "load", Version: 2, Canonical: []byte(`{"name":"load"}`)}}
}

// temporal is a client whose ExecuteWorkflow gives these answers, one a call.
func temporal(t *testing.T, answers ...error) *mocks.Client {
	t.Helper()
	c := mocks.NewClient(t)
	for _, answer := range answers {
		c.On("ExecuteWorkflow", mock.Anything, mock.Anything, workflows.TypeRun, mock.Anything).Return(&mocks.WorkflowRun{}, answer).Once()
	}
	return c
}

func TestStartRunStartsOneWorkflow(t *testing.T) {
	t.Parallel()
	run, jobs := acknowledged()
	c := mocks.NewClient(t)
	c.On("ExecuteWorkflow", mock.Anything,
		mock.MatchedBy(func(o client.StartWorkflowOptions) bool {
			return o.ID == "run/finance/run_1" && o.TaskQueue == activities.QueueRuns &&
				o.WorkflowIDReusePolicy == enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE &&
				o.WorkflowIDConflictPolicy == enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING
		}),
		workflows.TypeRun, workflows.RunInput{
			Run:        activities.Run{ID: run.ID, Team: run.Team, Job: run.Job, Version: run.Version, CreatedAt: run.CreatedAt, By: "ana"},
			Definition: jobs.version.Canonical, Input: run.Input, Vars: run.Vars, Trigger: "api", Priority: 4, RecordPause: 500 * time.Millisecond,
		}).Return(&mocks.WorkflowRun{}, nil).Once()
	require.NoError(t, engine.StartRun(t.Context(), c, jobs, run))
}

// Whoever comes second finds the workflow: running, or ended.
func TestStartRunFindsWhatHasStarted(t *testing.T) {
	t.Parallel()
	run, jobs := acknowledged()
	c := temporal(t, serviceerror.NewWorkflowExecutionAlreadyStarted("it ended", "request", "first"))
	require.NoError(t, engine.StartRun(t.Context(), c, jobs, run))
}

// A run that Temporal has not taken waits for a sweep.
func TestStartRunWithoutTemporal(t *testing.T) {
	t.Parallel()
	run, jobs := acknowledged()
	for _, away := range []error{
		serviceerror.NewUnavailable("connection refused"), serviceerror.NewNamespaceNotFound("default"), context.DeadlineExceeded,
	} {
		err := engine.StartRun(t.Context(), temporal(t, away), jobs, run)
		require.Equal(t, job.CodeUnavailable, job.CodeOf(err))
		require.ErrorIs(t, err, away)
	}
}

// Without its job a run can't be told to Temporal at all.
func TestStartRunWithoutItsJob(t *testing.T) {
	t.Parallel()
	run, jobs := acknowledged()
	run.Version = 3
	require.Equal(t, job.CodeNotFound, job.CodeOf(engine.StartRun(t.Context(), temporal(t), jobs, run)))
}
