package workflows_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/workflows"
)

// parent is a job that runs another one.
func parent(more string) string {
	return `
apiVersion: fairlead/v1
name: parent
timeout: 10h
steps:
  - {id: sub, uses: job.run, with: {job: child}` + more + `}
  - {id: after, uses: http, with: {url: "https://a.example", json: "${steps.sub.output}"}}
output: "${steps.sub.output}"
`
}

const childFile = `
apiVersion: fairlead/v1
name: child
steps:
  - {id: work, uses: http, with: {url: "https://c.example"}}
output: "${steps.work.output.body}"
notify: [{events: [failed], to: ["email:ana@example.com"]}]
`

// keeps answers job.run as its activity does, and other steps as next says.
func keeps(t *testing.T, wait bool, next func(context.Context, activities.Step) (any, error)) func(context.Context, activities.Step) (any, error) {
	t.Helper()
	versions, err := job.Load([]byte(childFile))
	require.NoError(t, err)
	return func(ctx context.Context, in activities.Step) (any, error) {
		if in.Step != "sub" {
			return next(ctx, in)
		}
		run := activities.Run{ID: "run_2", Team: "default", Job: "child", Version: 3, Depth: in.Run.Depth + 1}
		start, err := json.Marshal(workflows.RunInput{Run: run, Definition: versions[0].Canonical, Input: json.RawMessage("{}"), Trigger: "job", Silent: true})
		require.NoError(t, err)
		return activities.Child{Run: run, Start: start, Wait: wait}, nil
	}
}

func TestChildIsAwaited(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.http = keeps(t, true, func(context.Context, activities.Step) (any, error) { return answered(7), nil })
	last := b.run(parent(""), `{}`)
	require.Equal(t, job.StatusSucceeded, last.Status)
	require.JSONEq(t, `{"run": "run_2", "job": "child", "version": 3, "status": "succeeded", "output": 7}`, string(last.Output))
	require.Equal(t, []string{"sub", "work", "after"}, b.order())
	require.Equal(t, job.StatusSucceeded, b.last("run_2").Status)
	require.Equal(t, 10*time.Minute, b.calls[0].Timeout)
}

func TestChildGivesWhatTheStepMakesOfIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.http = keeps(t, true, func(context.Context, activities.Step) (any, error) { return answered(7), nil })
	last := b.run(parent(`, output: "${output.output + 1}"`), `{}`)
	require.JSONEq(t, `8`, string(last.Output))
	require.Nil(t, b.calls[0].Output, "it is over the child's end, which its activity can't know")
}

func TestChildFails(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.http = keeps(t, true, func(context.Context, activities.Step) (any, error) {
		return nil, refuse(job.Failure{Code: "http_status", Message: "answered 404"}, 0)
	})
	last := b.run(parent(""), `{}`)
	require.Equal(t, job.StatusFailed, last.Status)
	require.Equal(t, &job.Failure{
		Code: "child_failed", Type: "http_status", Message: "run_2 of child failed: answered 404", Step: "sub",
	}, last.Error)
	require.Empty(t, b.endings, "a child tells nobody unless it is to")
}

func TestChildIsNotAwaited(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.http = keeps(t, false, func(_ context.Context, in activities.Step) (any, error) {
		if in.Step == "work" {
			return nil, hang()
		}
		return nil, nil
	})
	last := b.run(parent(""), `{}`)
	require.Equal(t, job.StatusSucceeded, last.Status)
	require.JSONEq(t, `{"run": "run_2", "job": "child", "version": 3, "status": "queued", "output": null}`, string(last.Output))
}

func TestChildIsCanceledWithItsParent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.http = keeps(t, true, func(context.Context, activities.Step) (any, error) { return nil, hang() })
	b.RegisterDelayedCallback(b.CancelWorkflow, time.Hour)
	last := b.run(parent(""), `{}`)
	require.Equal(t, job.StatusCanceled, last.Status)
	require.Equal(t, job.StatusCanceled, b.steps()["sub"].Status)
	require.Equal(t, job.StatusCanceled, b.last("run_2").Status)
}

func TestChildIsCanceledByItself(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.http = keeps(t, true, func(context.Context, activities.Step) (any, error) { return nil, hang() })
	b.RegisterDelayedCallback(func() { b.CancelWorkflowByID("run/default/run_2", "") }, time.Hour)
	last := b.run(parent(""), `{}`)
	require.Equal(t, job.StatusFailed, last.Status)
	require.Equal(t, &job.Failure{Code: "child_failed", Type: "canceled", Message: "run_2 of child was canceled", Step: "sub"}, last.Error)
}

func TestChildEndsWithTheStepsTimeout(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.http = keeps(t, true, func(context.Context, activities.Step) (any, error) { return nil, hang() })
	last := b.run(parent(", timeout: 2h"), `{}`)
	require.Equal(t, job.StatusFailed, last.Status)
	require.Equal(t, job.StatusTimedOut, b.steps()["sub"].Status)
	require.Equal(t, "timeout", last.Error.Code)
	require.Equal(t, job.StatusCanceled, b.last("run_2").Status)
	require.Equal(t, 2*time.Hour, last.EndedAt.Sub(last.StartedAt).Round(time.Second))

	b = setup(t)
	b.http = keeps(t, true, func(context.Context, activities.Step) (any, error) { return nil, hang() })
	last = b.run(parent(""), `{}`)
	require.Equal(t, job.StatusTimedOut, last.Status, "the step says nothing: the run's bounds it")
	require.Equal(t, job.StatusCanceled, b.last("run_2").Status)
}

func TestChildThatCannotBeKept(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.http = func(context.Context, activities.Step) (any, error) {
		return nil, refuse(job.Failure{Code: "not_found", Message: "no job child"}, 0)
	}
	last := b.run(parent(""), `{}`)
	require.Equal(t, "not_found", last.Error.Code)
}

// families is a job that runs another one from so many steps at once.
func families(steps int, more string) string {
	var file strings.Builder
	file.WriteString("apiVersion: fairlead/v1\nname: families\ntimeout: 10h\nsteps:\n")
	for i := range steps {
		fmt.Fprintf(&file, "  - {id: s%03d, needs: [], uses: job.run, with: {job: child}%s}\n", i, more)
	}
	return file.String()
}

// keepsEach keeps a run of its own for every step that runs the child, whose work goes on as work says.
func keepsEach(t *testing.T, work func(run string) (any, error)) func(context.Context, activities.Step) (any, error) {
	t.Helper()
	versions, err := job.Load([]byte(childFile))
	require.NoError(t, err)
	return func(_ context.Context, in activities.Step) (any, error) {
		if in.Step == "work" {
			return work(in.Run.ID)
		}
		run := activities.Run{ID: "run_" + in.Step, Team: "default", Job: "child", Version: 3, Depth: 1}
		start, err := json.Marshal(workflows.RunInput{Run: run, Definition: versions[0].Canonical, Input: json.RawMessage("{}"), Trigger: "job", Silent: true})
		require.NoError(t, err)
		return activities.Child{Run: run, Start: start, Wait: true}, nil
	}
}

// However a child ends, the next one gets its slot.
func TestRunBoundsTheChildrenItWaitsFor(t *testing.T) {
	t.Parallel()
	b := setup(t)
	open, most := map[string]bool{}, 0
	b.http = keepsEach(t, func(run string) (any, error) {
		if !open[run] {
			open[run] = true
			most = max(most, len(open))
			return nil, refuse(job.Failure{Code: "http_status", Message: "503", Retryable: true}, time.Minute)
		}
		delete(open, run)
		if strings.HasSuffix(run, "7") {
			return nil, refuse(job.Failure{Code: "http_status", Message: "answered 404"}, 0)
		}
		return answered(7), nil
	})
	b.run(families(250, ", continueOnError: true"), `{}`)
	require.Equal(t, 100, most)
	require.Equal(t, job.StatusSucceeded, b.steps()["s249"].Status)
	require.Equal(t, "child_failed", b.steps()["s247"].Error.Code)
}

func TestChildrenBeyondTheBoundAreNotKept(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		more   string
		cancel bool
		want   job.Status
	}{
		"run canceled":     {"", true, job.StatusCanceled},
		"run timed out":    {"", false, job.StatusCanceled},
		"steps timed out":  {", timeout: 2h", false, job.StatusTimedOut},
		"after the cancel": {", timeout: 2h", true, job.StatusCanceled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.http = keepsEach(t, func(string) (any, error) { return nil, hang() })
			if test.cancel {
				b.RegisterDelayedCallback(b.CancelWorkflow, time.Hour)
			}
			b.run(families(120, test.more), `{}`)
			kept := 0
			for _, call := range b.calls {
				if call.Step != "work" {
					kept++
				}
			}
			require.Equal(t, 100, kept)
			for i := range 120 {
				require.Equal(t, test.want, b.steps()[fmt.Sprintf("s%03d", i)].Status, i)
			}
			require.Equal(t, job.StatusCanceled, b.last("run_s099").Status)
		})
	}
}
