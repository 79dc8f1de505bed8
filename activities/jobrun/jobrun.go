// Package jobrun is the action `job.run`: it keeps a run of another job of the
// team. The workflow of the step then starts that run as its child.
//
//	Do: kept before? ──no──▶ version, input, variables ──▶ row, marked as started ─┐
//	        └──yes────────────────────────────────────────────────────────────────┴▶ what the child is started with
//
// The row is there before the child: what happens in between, the next attempt
// finds it and goes on, and the sweep for lost runs closes it once its parent is over.
package jobrun

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/store"
)

// MaxDepth is how many runs may start each other, one below the other.
const MaxDepth = 10

// The failures of the action.
const (
	codeTooDeep     = "too_deep"      // more than MaxDepth runs below each other
	codeJobNotFound = "job_not_found" // no such job in the team, or no such version of it
	codeChildFailed = "child_failed"  // the child was ended before it had begun
)

// Runs keeps jobs and runs.
type Runs interface {
	// Job returns a version of a job, the current one for 0. CodeNotFound.
	Job(ctx context.Context, team, name string, version int) (store.Job, error)
	// Variables returns those of the team's variables that there are.
	Variables(ctx context.Context, team string, names []string) (map[string]json.RawMessage, error)
	// Submit keeps a run, or returns the one that was kept under its key before.
	Submit(ctx context.Context, run store.NewRun) (store.Run, bool, error)
	// Submitted returns the run that was kept under a key. CodeNotFound.
	Submitted(ctx context.Context, team, key, requestHash string) (store.Run, error)
}

// Child makes of a kept run what its workflow is started with.
type Child func(run store.Run, version store.Job, depth int, silent bool) (activities.Child, error)

// Action is the action.
type Action struct {
	runs     Runs
	child    Child
	programs *job.Programs
}

// New returns the action.
func New(runs Runs, child Child) *Action {
	return &Action{runs: runs, child: child, programs: job.NewPrograms()}
}

// input is the action's `with`; schema/actions/job.run.json has its contract.
type input struct {
	Job     string          `json:"job"`
	Input   json.RawMessage `json:"input"`
	Version int             `json:"version"`
	Wait    bool            `json:"wait"`
	Notify  bool            `json:"notify"`
}

// origin is what a child's row says of where it comes from.
type origin struct {
	Parent string `json:"parent"`
	Step   string `json:"step"`
	Item   string `json:"item,omitempty"`
	// Silent keeps its end from being told, whoever ends it.
	Silent bool `json:"silent,omitempty"`
}

// Do implements [activities.Action]; the output is an [activities.Child]. However
// often it is called for one step and item, there is one run.
func (a *Action) Do(ctx context.Context, call activities.Call) (json.RawMessage, error) {
	in := input{Wait: true}
	if err := json.Unmarshal(call.With, &in); err != nil {
		return nil, err
	}
	depth := call.Run.Depth + 1
	if depth > MaxDepth {
		return nil, refuse(codeTooDeep, fmt.Sprintf("%d runs have started each other: no more may be started below them", MaxDepth))
	}
	run, version, err := a.keep(ctx, call, in)
	if err != nil {
		return nil, classify(err)
	}
	if run.Status.Ended() {
		return nil, ended(run)
	}
	child, err := a.child(run, version, depth, !in.Notify)
	if err != nil {
		return nil, err
	}
	child.Wait = in.Wait
	call.Log.Log(slog.LevelInfo, "keeps run "+run.ID+" of job "+run.Job, slog.String("run", run.ID), slog.Int("version", run.Version))
	return json.Marshal(child)
}

// keep returns the run of this step and item, with its version of the job.
func (a *Action) keep(ctx context.Context, call activities.Call, in input) (store.Run, store.Job, error) {
	key := store.ChildKeys + job.Token(call.Run.ID, call.Step, call.Item, "")
	run, err := a.runs.Submitted(ctx, call.Run.Team, key, "")
	if err == nil {
		version, err := a.runs.Job(ctx, run.Team, run.Job, run.Version)
		return run, version, err
	}
	if job.CodeOf(err) != job.CodeNotFound {
		return store.Run{}, store.Job{}, err
	}
	version, err := a.version(ctx, call.Run.Team, in)
	if err != nil {
		return store.Run{}, store.Job{}, err
	}
	fresh, err := a.fresh(ctx, call, in, version)
	if err != nil {
		return store.Run{}, store.Job{}, err
	}
	fresh.IdempotencyKey = key
	run, created, err := a.runs.Submit(ctx, fresh)
	if err == nil && !created { // another execution of this attempt was first, perhaps with another version
		version, err = a.runs.Job(ctx, run.Team, run.Job, run.Version)
	}
	return run, version, err
}

// version is the version that the child runs.
func (a *Action) version(ctx context.Context, team string, in input) (store.Job, error) {
	version, err := a.runs.Job(ctx, team, in.Job, in.Version)
	if job.CodeOf(err) != job.CodeNotFound {
		return version, err
	}
	message := fmt.Sprintf("there is no job %q in team %q, or it has no current version", in.Job, team)
	if in.Version > 0 {
		message = fmt.Sprintf("there is no version %d of job %q in team %q", in.Version, in.Job, team)
	}
	return store.Job{}, refuse(codeJobNotFound, message)
}

// fresh is a run to be kept: its input is checked, and the variables are as they are now.
func (a *Action) fresh(ctx context.Context, call activities.Call, in input, version store.Job) (store.NewRun, error) {
	program, err := a.programs.Open(version.Canonical)
	if err != nil {
		return store.NewRun{}, err
	}
	checked, err := program.CheckInput(in.Input)
	if err != nil {
		return store.NewRun{}, err
	}
	vars, err := store.Snapshot(ctx, a.runs, call.Run.Team, program.Variables())
	if err != nil {
		return store.NewRun{}, err
	}
	id, err := job.NewRunID()
	if err != nil {
		return store.NewRun{}, err
	}
	detail, err := json.Marshal(origin{Parent: call.Run.ID, Step: call.Step, Item: call.Item, Silent: !in.Notify})
	if err != nil {
		return store.NewRun{}, err
	}
	return store.NewRun{
		ID: id, Team: call.Run.Team, Job: version.Job, Version: version.Version, Input: checked, Vars: vars,
		Trigger:  store.Trigger{Kind: "job", By: call.Run.By, Detail: detail},
		Priority: program.Definition.Priority, Started: true,
	}, nil
}

// ended is the failure of a step whose child was ended by somebody else before it had begun.
func ended(run store.Run) *activities.Failed {
	failed := refuse(codeChildFailed, fmt.Sprintf("%s of %s ended %s before it had begun", run.ID, run.Job, run.Status))
	if run.Error != nil {
		failed.Type = run.Error.Code
	}
	return failed
}

// classify puts errors of ours into the job's words.
func classify(err error) error {
	ours, ok := errors.AsType[*job.Error](err)
	if !ok {
		return err
	}
	switch ours.Code { //nolint:exhaustive // any other is a defect of ours
	case job.CodeInvalidInput, job.CodeTooLarge, job.CodeUnknownVariable:
		return &activities.Failed{Cause: err, Failure: job.Failure{Code: string(ours.Code), Message: problems(ours)}}
	case job.CodeUnavailable:
		return &activities.Failed{Cause: err, Failure: job.Failure{Code: string(ours.Code), Message: ours.Message, Retryable: true}}
	}
	return err
}

// problems is the message of an error with those of its fields, in one line.
func problems(err *job.Error) string {
	texts := make([]string, 0, len(err.Fields))
	for _, field := range err.Fields {
		texts = append(texts, field.String())
	}
	if len(texts) == 0 {
		return err.Message
	}
	return err.Message + ": " + strings.Join(texts, "; ")
}

func refuse(code, message string) *activities.Failed {
	return &activities.Failed{Failure: job.Failure{Code: code, Message: message}}
}
