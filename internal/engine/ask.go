package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/store"
	"github.com/fairlead/fairlead/workflows"
)

// askTimeout is how long a running workflow has to answer: more than a worker that is there takes.
const askTimeout = 5 * time.Second

// Runs asks the workflows of runs. Its errors are of [job.Error]; CodeGone: the
// workflow has ended, or there is none; CodeUnavailable: Temporal, or every worker, is away.
type Runs struct {
	Client client.Client
	Jobs   Jobs
}

// Cancel asks a run's workflow to cancel, and starts it first where the run only is a row.
func (r Runs) Cancel(ctx context.Context, run store.Run) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	if run.WorkflowStartedAt.IsZero() {
		if err := StartRun(ctx, r.Client, r.Jobs, run); err != nil {
			return err
		}
	}
	return asked(r.Client.CancelWorkflow(ctx, workflows.RunID(run.Team, run.ID), ""))
}

// Decide gives a run's workflow a decision and returns what stands then. The same
// decision of the same person is one, however often it comes. CodeNotFound: the step
// is no approval. CodeForbidden: it is others who may decide. CodeConflict: it was
// decided before, isn't asked for yet, or is over.
func (r Runs) Decide(ctx context.Context, team, run string, decision workflows.Decision) (store.ApprovalRecord, error) {
	id := identity(decision.By, decision.Step, decision.Item, strconv.FormatBool(decision.Approved))
	var record activities.ApprovalRecord
	err := r.update(ctx, team, run, workflows.UpdateDecide, id, decision, &record)
	if job.CodeOf(err) == job.CodeGone && refusal(err) != nil {
		err = job.Wrap(job.CodeConflict, err, refusal(err).Message())
	}
	return store.ApprovalRecord(record), err
}

// Callback brings a run's workflow a callback; the same body is one, however often it
// comes. CodeConflict: another body was there before. CodeNotFound: the step waits for
// no callback. CodeGone: the step doesn't wait any more.
func (r Runs) Callback(ctx context.Context, team, run string, callback workflows.Callback) error {
	id := identity(callback.Step, callback.Item, string(callback.Body))
	return r.update(ctx, team, run, workflows.UpdateCallback, id, callback, nil)
}

func (r Runs) update(ctx context.Context, team, run, name, id string, arg, result any) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	handle, err := r.Client.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: workflows.RunID(team, run), UpdateName: name, UpdateID: id, Args: []any{arg},
		WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err == nil {
		err = handle.Get(ctx, result)
	}
	if limited := limited(err); limited != nil {
		return limited
	}
	return asked(err)
}

// limited is the refusal of Temporal's server to bring a workflow one more update; nil
// for any other answer. Those that a workflow has had only grow: it is no use to try again.
func limited(err error) error {
	if _, ok := errors.AsType[*serviceerror.FailedPrecondition](err); ok {
		return job.Wrap(job.CodeConflict, err, "the run takes no more decisions and callbacks: it has had as many as Temporal's history.maxTotalUpdates allows")
	}
	if _, ok := errors.AsType[*serviceerror.ResourceExhausted](err); ok {
		return job.Wrap(job.CodeUnavailable, err, "more reaches the run at once than Temporal takes: try again")
	}
	return nil
}

// asked is what went wrong in asking a workflow, in words of ours.
func asked(err error) error {
	if err == nil {
		return nil
	}
	if refused := refusal(err); refused != nil {
		switch refused.Type() {
		case workflows.RefusedUnknown:
			return job.Wrap(job.CodeNotFound, err, refused.Message())
		case workflows.RefusedForbidden:
			return job.Wrap(job.CodeForbidden, err, refused.Message())
		case workflows.RefusedDecided, workflows.RefusedEarly:
			return job.Wrap(job.CodeConflict, err, refused.Message())
		case workflows.RefusedLate:
			return job.Wrap(job.CodeGone, err, refused.Message())
		}
	}
	if _, ok := errors.AsType[*serviceerror.NotFound](err); ok {
		return job.Wrap(job.CodeGone, err, "the run has ended, or has not begun yet")
	}
	return job.Wrap(job.CodeUnavailable, err, "the run does not answer now, since Temporal or its workers are away: try again")
}

// refusal is the workflow's own answer, nil where it gave none.
func refusal(err error) *temporal.ApplicationError {
	refused, _ := errors.AsType[*temporal.ApplicationError](err)
	return refused
}

// identity is the same for the same parts, and for no others.
func identity(parts ...string) string {
	raw, _ := json.Marshal(parts) //nolint:errchkjson // text always encodes
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}
