// Package workers says which workflows and activities each role serves, and
// runs a role: it connects, polls its task queue, and drains when it is told to stop.
package workers

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/workflow"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/activities/fail"
	"github.com/fairlead/fairlead/activities/httpcall"
	"github.com/fairlead/fairlead/activities/jobrun"
	"github.com/fairlead/fairlead/activities/notify"
	"github.com/fairlead/fairlead/activities/record"
	"github.com/fairlead/fairlead/activities/step"
	"github.com/fairlead/fairlead/activities/upkeep"
	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/workflows"
)

// The roles.
const (
	RoleRunner       = "runner"       // runs and their steps
	RoleOrchestrator = "orchestrator" // sweeps
	RoleNotifier     = "notifier"     // notifications
)

// Roles lists the roles.
func Roles() []string { return []string{RoleRunner, RoleOrchestrator, RoleNotifier} }

// Registry takes what a role serves; a [go.temporal.io/sdk/worker.Worker] is one.
type Registry interface {
	RegisterWorkflowWithOptions(w any, options workflow.RegisterOptions)
	RegisterActivityWithOptions(a any, options activity.RegisterOptions)
}

// Parts are the implementations that a role's activities are made of.
type Parts struct {
	HTTP   *httpcall.Action
	JobRun *jobrun.Action
	// Drain is how long an attempt may go on once the worker is told to stop.
	Drain time.Duration
	// Hold waits until S3 takes values.
	Hold  func(ctx context.Context) error
	Begin func(run activities.Run, step, item string, attempt int) step.Log
	// Callback is the URL that ends a step's wait.
	Callback func(run activities.Run, step, item string) string
	Recorder *record.Recorder
	Notifier *notify.Notifier
	Sweeper  *upkeep.Sweeper
	Log      *slog.Logger
}

// actions has a line for every action of schema/actions.
func actions(p Parts) map[string]activities.Action {
	return map[string]activities.Action{
		activities.Fail:   fail.Action{},
		activities.HTTP:   p.HTTP,
		activities.JobRun: p.JobRun,
	}
}

// Register registers what a role serves, under the names of the contract. A
// role that there isn't registers nothing.
func Register(r Registry, role string, p Parts) {
	switch role {
	case RoleRunner:
		serveWorkflow(r, workflows.TypeRun, workflows.NewRun())
		expressions := job.NewLate()
		for name, action := range actions(p) {
			serve(r, name, step.New(action, step.Deps{
				Check: check(name), Begin: p.Begin, Callback: p.Callback, Hold: p.Hold,
				Expressions: expressions, Drain: p.Drain, Logger: p.Log,
			}))
		}
		serve(r, activities.Record, p.Recorder.Record)
	case RoleOrchestrator:
		serveWorkflow(r, workflows.TypeUpkeep, workflows.Upkeep)
		serve(r, activities.StartQueued, p.Sweeper.StartQueued)
		serve(r, activities.FindLost, p.Sweeper.FindLost)
		serve(r, activities.DrainLogs, p.Sweeper.DrainLogs)
		serve(r, activities.Record, p.Recorder.Record)
	case RoleNotifier:
		serveWorkflow(r, workflows.TypeNotify, workflows.Notify)
		serve(r, activities.PrepareNotifications, p.Notifier.PrepareNotifications)
		serve(r, activities.SendNotification, p.Notifier.SendNotification)
	}
}

func serve(r Registry, name string, function any) {
	r.RegisterActivityWithOptions(function, activity.RegisterOptions{Name: name})
}

func serveWorkflow(r Registry, name string, function any) {
	r.RegisterWorkflowWithOptions(function, workflow.RegisterOptions{Name: name})
}

// check is the check of an action's rendered `with` against its contract.
func check(action string) func([]byte) (json.RawMessage, error) {
	return func(with []byte) (json.RawMessage, error) { return job.CheckWith(action, with) }
}
