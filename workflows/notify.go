package workflows

import (
	"slices"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/internal/job"
)

const (
	deliveryTimeout = 30 * time.Second
	// deliveryGiveUp is how long a provider that refuses or is away is tried.
	deliveryGiveUp = 24 * time.Hour
	// maxSending bounds the deliveries that are under way at once: the server takes
	// 2,000 pending activities of a workflow, and fails its task for ever beyond that.
	maxSending = 100
)

// Notify tells people how a run ended: it keeps one delivery for each of them,
// then sends every one. A delivery that can't be sent keeps no other from being sent.
func Notify(ctx workflow.Context, ending activities.Ending) error {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout:    deliveryTimeout,
		ScheduleToCloseTimeout: deliveryGiveUp,
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: time.Second, MaximumInterval: 5 * time.Minute},
	})
	var kept activities.Deliveries
	if err := workflow.ExecuteActivity(ctx, activities.PrepareNotifications, ending).Get(ctx, &kept); err != nil {
		return err
	}
	var failed error
	sending := workflow.NewSemaphore(ctx, maxSending)
	done := workflow.NewWaitGroup(ctx)
	for _, id := range kept.IDs {
		if err := sending.Acquire(ctx, 1); err != nil {
			return err
		}
		done.Add(1)
		workflow.Go(ctx, func(ctx workflow.Context) {
			defer done.Done()
			defer sending.Release(1)
			if err := workflow.ExecuteActivity(ctx, activities.SendNotification, activities.Delivery{ID: id}).Get(ctx, nil); err != nil {
				failed = err
			}
		})
	}
	done.Wait(ctx)
	return failed
}

// tell starts the Notify of the run's end, if one of its rules may match, and waits until it has started.
func (r *run) tell(ctx workflow.Context, ended time.Time) error {
	rules := r.program.Definition.Notify
	if r.in.Silent || !concerns(rules, r.outcome) {
		return nil
	}
	return startNotify(ctx, activities.Ending{
		Run: r.in.Run, Status: r.outcome, Error: r.failure, Cleanup: r.cleanup, StartedAt: r.started, EndedAt: ended, Rules: rules,
	})
}

// startNotify starts Notify as an abandoned child and waits until it has
// started: one that hasn't may never start once its parent has ended. One that
// is there already is as good.
func startNotify(ctx workflow.Context, ending activities.Ending) error {
	ctx = workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID:            NotifyID(ending.Run.Team, ending.Run.ID),
		TaskQueue:             activities.QueueNotifications,
		ParentClosePolicy:     enumspb.PARENT_CLOSE_POLICY_ABANDON,
		WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		StaticSummary:         ending.Run.Job + " " + string(ending.Status),
	})
	err := workflow.ExecuteChildWorkflow(ctx, TypeNotify, ending).GetChildWorkflowExecution().Get(ctx, nil)
	if temporal.IsWorkflowExecutionAlreadyStartedError(err) {
		return nil
	}
	return err
}

// concerns reports whether a rule may match a run that ended so.
func concerns(rules []job.NotifyRule, outcome job.Status) bool {
	wanted := map[job.Status][]string{
		job.StatusFailed:    {job.EventFailed},
		job.StatusTimedOut:  {job.EventFailed},
		job.StatusSucceeded: {job.EventSucceeded, job.EventRecovered},
	}[outcome]
	return slices.ContainsFunc(rules, func(rule job.NotifyRule) bool {
		return slices.ContainsFunc(rule.Events, func(event string) bool { return slices.Contains(wanted, event) })
	})
}
