package engine_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/mocks"
	sdk "go.temporal.io/sdk/temporal"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/store"
	"github.com/fairlead/fairlead/workflows"
)

// answers is a client whose updates end so, and that keeps the updates it was sent.
func answers(t *testing.T, record *activities.ApprovalRecord, answer error) (*mocks.Client, *[]client.UpdateWorkflowOptions) {
	t.Helper()
	c := mocks.NewClient(t)
	sent := &[]client.UpdateWorkflowOptions{}
	handle := mocks.NewWorkflowUpdateHandle(t)
	handle.On("Get", mock.Anything, mock.Anything).Maybe().Return(func(_ context.Context, into any) error {
		if into, ok := into.(*activities.ApprovalRecord); ok && record != nil {
			*into = *record
		}
		return answer
	})
	c.On("UpdateWorkflow", mock.Anything, mock.Anything).Maybe().Return(func(_ context.Context, o client.UpdateWorkflowOptions) (client.WorkflowUpdateHandle, error) {
		*sent = append(*sent, o)
		return handle, nil
	})
	return c, sent
}

var decision = workflows.Decision{Step: "review", Item: "eu", Approved: true, Comment: "fine", By: "ana", Groups: []string{"leads"}}

func TestDecide(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, time.January, 5, 6, 0, 0, 0, time.UTC)
	c, sent := answers(t, &activities.ApprovalRecord{Step: "review", Status: activities.ApprovalApproved, DecidedBy: "ana", DecidedAt: at}, nil)
	runs := engine.Runs{Client: c}
	got, err := runs.Decide(t.Context(), "finance", "run_1", decision)
	require.NoError(t, err)
	require.Equal(t, store.ApprovalRecord{Step: "review", Status: "approved", DecidedBy: "ana", DecidedAt: at}, got)
	first := (*sent)[0]
	require.Equal(t, []any{"run/finance/run_1", workflows.UpdateDecide, client.WorkflowUpdateStageCompleted, []any{decision}},
		[]any{first.WorkflowID, first.UpdateName, first.WaitForStage, first.Args})

	again, other := decision, decision
	again.Comment = "really"
	other.Approved = false
	for _, d := range []workflows.Decision{again, other} {
		_, err = runs.Decide(t.Context(), "finance", "run_1", d)
		require.NoError(t, err)
	}
	require.Equal(t, first.UpdateID, (*sent)[1].UpdateID, "the same decision of the same person is one")
	require.NotEqual(t, first.UpdateID, (*sent)[2].UpdateID)
}

func TestCallbackIsOneForTheSameBody(t *testing.T) {
	t.Parallel()
	c, sent := answers(t, nil, nil)
	for _, body := range []string{`{"a":1}`, `{"a":1}`, `{"a":2}`} {
		require.NoError(t, engine.Runs{Client: c}.Callback(t.Context(), "finance", "run_1", workflows.Callback{Step: "ready", Body: []byte(body)}))
	}
	require.Equal(t, (*sent)[0].UpdateID, (*sent)[1].UpdateID)
	require.NotEqual(t, (*sent)[0].UpdateID, (*sent)[2].UpdateID)
	require.Equal(t, workflows.UpdateCallback, (*sent)[0].UpdateName)
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	refused := func(kind string) error { return sdk.NewApplicationError("no, since …", kind) }
	for name, c := range map[string]struct {
		answer           error
		decide, callback job.Code
	}{
		"unknown":   {refused(workflows.RefusedUnknown), job.CodeNotFound, job.CodeNotFound},
		"forbidden": {refused(workflows.RefusedForbidden), job.CodeForbidden, job.CodeForbidden},
		"decided":   {refused(workflows.RefusedDecided), job.CodeConflict, job.CodeConflict},
		"early":     {refused(workflows.RefusedEarly), job.CodeConflict, job.CodeConflict},
		"late":      {refused(workflows.RefusedLate), job.CodeConflict, job.CodeGone},
		"other":     {refused("AcceptedUpdateCompletedWorkflow"), job.CodeUnavailable, job.CodeUnavailable},
		"ended":     {serviceerror.NewNotFound("workflow execution already completed"), job.CodeGone, job.CodeGone},
		"no worker": {client.NewWorkflowUpdateServiceTimeoutOrCanceledError(context.DeadlineExceeded), job.CodeUnavailable, job.CodeUnavailable},
		"too many":  {serviceerror.NewFailedPrecondition("The limit on the total number of distinct updates in this workflow has been reached (2000)."), job.CodeConflict, job.CodeConflict},
		"at once":   {&serviceerror.ResourceExhausted{Message: "limit on number of concurrent in-flight updates has been reached (10)"}, job.CodeUnavailable, job.CodeUnavailable},
		"away":      {serviceerror.NewUnavailable("connection refused"), job.CodeUnavailable, job.CodeUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mocked, _ := answers(t, nil, c.answer)
			_, err := engine.Runs{Client: mocked}.Decide(t.Context(), "finance", "run_1", decision)
			require.Equal(t, c.decide, job.CodeOf(err))
			err = engine.Runs{Client: mocked}.Callback(t.Context(), "finance", "run_1", workflows.Callback{Step: "ready"})
			require.Equal(t, c.callback, job.CodeOf(err))
			require.ErrorIs(t, err, c.answer)
		})
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	run, jobs := acknowledged()
	c := temporal(t, nil)
	c.On("CancelWorkflow", mock.Anything, "run/finance/run_1", "").Return(nil).Twice()
	runs := engine.Runs{Client: c, Jobs: jobs}
	require.NoError(t, runs.Cancel(t.Context(), run), "what has no workflow yet gets one, which ends as a canceled run does")
	run.WorkflowStartedAt = run.CreatedAt
	require.NoError(t, runs.Cancel(t.Context(), run))

	c.On("CancelWorkflow", mock.Anything, mock.Anything, mock.Anything).Return(serviceerror.NewNotFound("completed")).Once()
	require.Equal(t, job.CodeGone, job.CodeOf(runs.Cancel(t.Context(), run)))
	c.On("CancelWorkflow", mock.Anything, mock.Anything, mock.Anything).Return(errors.New("cut")).Once()
	require.Equal(t, job.CodeUnavailable, job.CodeOf(runs.Cancel(t.Context(), run)))
	run.WorkflowStartedAt = time.Time{}
	away := engine.Runs{Client: temporal(t, serviceerror.NewUnavailable("connection refused")), Jobs: jobs}
	require.Equal(t, job.CodeUnavailable, job.CodeOf(away.Cancel(t.Context(), run)))
}
