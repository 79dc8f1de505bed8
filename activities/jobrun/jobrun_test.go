package jobrun_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/activities/jobrun"
	"github.com/fairlead/fairlead/internal/devstack/devtest"
	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/store"
)

var cluster devtest.Cluster

func TestMain(m *testing.M) { cluster.Main(m) }

const team = "finance"

// trial is an action over a store that has the job load-region.
type trial struct {
	*store.Store
	action *jobrun.Action
}

func setup(t *testing.T) *trial {
	t.Helper()
	tr := &trial{Store: cluster.Store(t)}
	tr.action = jobrun.New(tr.Store, child)
	tr.publish(t, "one")
	return tr
}

// started is what the tests' child is started with.
type started struct {
	Run    store.Run
	Digest string
	Depth  int
	Silent bool
}

func child(run store.Run, version store.Job, depth int, silent bool) (activities.Child, error) {
	start, err := json.Marshal(started{run, version.Digest, depth, silent})
	return activities.Child{Run: activities.Run{ID: run.ID, Team: run.Team}, Start: start}, err
}

const source = `apiVersion: fairlead/v1
name: load-region
description: %s
input:
  type: object
  required: [region]
  properties:
    region: {type: string}
    rows: {type: integer, default: 10}
steps:
  - {id: load, uses: http, with: {url: "https://lake.example/${input.region}"}}
`

func (tr *trial) publish(t *testing.T, description string) {
	t.Helper()
	versions, err := job.Load(fmt.Appendf(nil, source, description))
	require.NoError(t, err)
	_, err = tr.Publish(t.Context(), store.Publication{
		Team: team, Job: "load-region", Digest: versions[0].Digest, Canonical: versions[0].Canonical, Source: versions[0].Source,
		Actor: "ana", Activate: true,
	})
	require.NoError(t, err)
}

type nowhere struct{}

func (nowhere) Log(slog.Level, string, ...slog.Attr) {}
func (nowhere) Mask(string)                          {}

func call(with string) activities.Call {
	return activities.Call{
		Run:  activities.Run{ID: "run_parent", Team: team, Job: "nightly", Version: 1, By: "ana", Depth: 2},
		Step: "regions", Item: "eu", Token: "the job's own", With: json.RawMessage(with), Log: nowhere{},
	}
}

// do keeps a child and returns it with what it is started with.
func (tr *trial) do(t *testing.T, call activities.Call) (activities.Child, started) {
	t.Helper()
	output, err := tr.action.Do(t.Context(), call)
	require.NoError(t, err)
	var child activities.Child
	require.NoError(t, json.Unmarshal(output, &child))
	var start started
	require.NoError(t, json.Unmarshal(child.Start, &start))
	return child, start
}

// fails is how a call ends that has to fail.
func (tr *trial) fails(t *testing.T, call activities.Call) job.Failure {
	t.Helper()
	_, err := tr.action.Do(t.Context(), call)
	var failed *activities.Failed
	require.ErrorAs(t, err, &failed)
	return failed.Failure
}

func TestKeepsTheChild(t *testing.T) {
	t.Parallel()
	tr := setup(t)
	kept, start := tr.do(t, call(`{"job": "load-region", "input": {"region": "eu"}}`))
	require.True(t, kept.Wait)
	require.Equal(t, 3, start.Depth)
	require.True(t, start.Silent, "a child tells nobody unless it is asked to")

	row, err := tr.Run(t.Context(), kept.Run.ID)
	require.NoError(t, err)
	require.Equal(t, start.Run.ID, row.ID)
	require.Equal(t, team, row.Team)
	require.Equal(t, "load-region", row.Job)
	require.Equal(t, 1, row.Version)
	require.Equal(t, job.StatusQueued, row.Status)
	require.JSONEq(t, `{"region": "eu", "rows": 10}`, string(row.Input))
	require.Equal(t, "job", row.Trigger.Kind)
	require.Equal(t, "ana", row.Trigger.By)
	require.JSONEq(t, `{"parent": "run_parent", "step": "regions", "item": "eu", "silent": true}`, string(row.Trigger.Detail))
	require.Equal(t, 3, row.Priority)
	require.Equal(t, row.CreatedAt, row.WorkflowStartedAt, "only its parent starts it")
	waiting, err := tr.Unstarted(t.Context(), 0, "", 10)
	require.NoError(t, err)
	require.Empty(t, waiting)

	loud := call(`{"job": "load-region", "input": {"region": "eu"}, "notify": true, "wait": false}`)
	loud.Item = ""
	kept, start = tr.do(t, loud)
	require.False(t, kept.Wait)
	require.False(t, start.Silent)
	row, err = tr.Run(t.Context(), kept.Run.ID)
	require.NoError(t, err)
	require.JSONEq(t, `{"parent": "run_parent", "step": "regions"}`, string(row.Trigger.Detail))
}

func TestVersionIsThatOfTheStart(t *testing.T) {
	t.Parallel()
	tr := setup(t)
	tr.publish(t, "two")
	_, start := tr.do(t, call(`{"job": "load-region", "input": {"region": "eu"}}`))
	require.Equal(t, 2, start.Run.Version)
	older := call(`{"job": "load-region", "input": {"region": "eu"}, "version": 1}`)
	older.Item = "us"
	_, start = tr.do(t, older)
	require.Equal(t, 1, start.Run.Version)
}

func TestEveryAttemptFindsTheSameRun(t *testing.T) {
	t.Parallel()
	tr := setup(t)
	first, start := tr.do(t, call(`{"job": "load-region", "input": {"region": "eu"}}`))
	tr.publish(t, "two")
	again, repeated := tr.do(t, call(`{"job": "load-region", "input": {"region": "eu"}}`))
	require.Equal(t, first.Run, again.Run)
	require.Equal(t, 1, repeated.Run.Version, "with the version that it was kept with")
	require.Equal(t, start.Digest, repeated.Digest)
	require.Equal(t, start.Run.Input, repeated.Run.Input)

	for _, other := range []activities.Call{
		{Run: first.Run, Step: "regions", Item: "eu"},
		{Run: activities.Run{ID: "run_parent"}, Step: "other", Item: "eu"},
		{Run: activities.Run{ID: "run_parent"}, Step: "regions", Item: "us"},
	} {
		next := call(`{"job": "load-region", "input": {"region": "eu"}}`)
		next.Run.ID, next.Step, next.Item = other.Run.ID, other.Step, other.Item
		kept, _ := tr.do(t, next)
		require.NotEqual(t, first.Run.ID, kept.Run.ID)
	}
}

func TestAttemptsAtOnceFindTheSameRun(t *testing.T) {
	t.Parallel()
	tr := setup(t)
	ids := make([]string, 8)
	var together sync.WaitGroup
	for i := range ids {
		together.Go(func() {
			output, err := tr.action.Do(t.Context(), call(`{"job": "load-region", "input": {"region": "eu"}}`))
			var child activities.Child
			if err == nil && json.Unmarshal(output, &child) == nil {
				ids[i] = child.Run.ID
			}
		})
	}
	together.Wait()
	require.NotEmpty(t, ids[0])
	for _, id := range ids {
		require.Equal(t, ids[0], id)
	}
}

func TestChildrenThatCannotBe(t *testing.T) {
	t.Parallel()
	tr := setup(t)
	for with, want := range map[string]job.Failure{
		`{"job": "load-moon"}`: {Code: "job_not_found", Message: `there is no job "load-moon" in team "finance", or it has no current version`},
		`{"job": "load-region", "version": 7, "input": {"region": "eu"}}`: {Code: "job_not_found", Message: `there is no version 7 of job "load-region" in team "finance"`},
		`{"job": "load-region", "input": {"region": 1, "x": 2}}`:          {Code: "invalid_input", Message: "/region"},
		`{"job": "load-region"}`: {Code: "invalid_input", Message: "region"},
		`{"job": "load-region", "input": {"region": "` + strings.Repeat("x", 1<<20) + `"}}`: {Code: "too_large", Message: "1 MiB"},
	} {
		failure := tr.fails(t, call(with))
		require.Equal(t, want.Code, failure.Code)
		require.Contains(t, failure.Message, want.Message)
		require.NotContains(t, failure.Message, "\n")
		require.False(t, failure.Retryable)
	}
	page, err := tr.Runs(t.Context(), team, store.Filter{}, 10, "")
	require.NoError(t, err)
	require.Empty(t, page.Items)
}

func TestVariablesAreThoseOfTheStart(t *testing.T) {
	t.Parallel()
	tr := setup(t)
	versions, err := job.Load([]byte("{apiVersion: fairlead/v1, name: load-region, priority: 2, steps: [{id: load, uses: http, with: {url: '${vars.lake}/${vars.path}'}}]}"))
	require.NoError(t, err)
	_, err = tr.Publish(t.Context(), store.Publication{
		Team: team, Job: "load-region", Digest: versions[0].Digest, Canonical: versions[0].Canonical, Source: versions[0].Source, Actor: "ana", Activate: true,
	})
	require.NoError(t, err)
	set := func(name, value string) {
		_, err := tr.CreateVariable(t.Context(), store.Variable{Team: team, Name: name, Value: json.RawMessage(value), UpdatedBy: "ana"})
		require.NoError(t, err)
	}
	set("lake", `"https://lake.example"`)
	set("unused", `1`)
	failure := tr.fails(t, call(`{"job": "load-region"}`))
	require.Equal(t, "unknown_variable", failure.Code)
	require.Contains(t, failure.Message, "`path`")

	set("path", `9007199254740993`)
	kept, start := tr.do(t, call(`{"job": "load-region"}`))
	require.JSONEq(t, `{"lake":"https://lake.example","path":9007199254740993}`, string(start.Run.Vars))
	require.Contains(t, string(start.Run.Vars), "9007199254740993", "exact")
	row, err := tr.Run(t.Context(), kept.Run.ID)
	require.NoError(t, err)
	require.Equal(t, string(start.Run.Vars), string(row.Vars))
	require.Equal(t, 2, row.Priority, "the job's own")
}

func TestDepthIsBounded(t *testing.T) {
	t.Parallel()
	tr := setup(t)
	deep := call(`{"job": "load-region", "input": {"region": "eu"}}`)
	deep.Run.Depth = 9
	_, start := tr.do(t, deep)
	require.Equal(t, 10, start.Depth)
	deep.Run.Depth, deep.Item = 10, "us"
	require.Equal(t, "too_deep", tr.fails(t, deep).Code)
}

// A child that somebody ended before it had begun is not begun any more.
func TestChildThatEndedBefore(t *testing.T) {
	t.Parallel()
	tr := setup(t)
	kept, start := tr.do(t, call(`{"job": "load-region", "input": {"region": "eu"}}`))
	require.NoError(t, tr.Record(t.Context(), store.RunRecord{
		Run: kept.Run.ID, Rev: 1, Status: job.StatusFailed, EndedAt: start.Run.CreatedAt, Error: &job.Failure{Code: "terminated_outside", Message: "x"},
	}))
	failure := tr.fails(t, call(`{"job": "load-region", "input": {"region": "eu"}}`))
	require.Equal(t, "child_failed", failure.Code)
	require.Equal(t, "terminated_outside", failure.Type)
	require.Contains(t, failure.Message, kept.Run.ID+" of load-region ended failed before it had begun")
}

// away is a store that doesn't answer.
type away struct{ jobrun.Runs }

var errAway = errors.New("connection refused")

func (away) Submitted(context.Context, string, string, string) (store.Run, error) {
	return store.Run{}, job.Wrap(job.CodeUnavailable, errAway, "the database is away")
}

func TestWithoutTheDatabaseItIsTriedAgain(t *testing.T) {
	t.Parallel()
	action := jobrun.New(away{}, child)
	_, err := action.Do(t.Context(), call(`{"job": "load-region"}`))
	require.ErrorIs(t, err, errAway)
	var failed *activities.Failed
	require.ErrorAs(t, err, &failed)
	require.Equal(t, job.Failure{Code: "unavailable", Message: "the database is away", Retryable: true}, failed.Failure)
}
