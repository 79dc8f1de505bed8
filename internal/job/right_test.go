package job_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/job/expr"
	"github.com/fairlead/fairlead/internal/job/jobmodel"
	"github.com/fairlead/fairlead/schema"
)

// rightFiles are files without a mistake.
func rightFiles(t require.TestingT) map[string][]byte {
	files, err := filepath.Glob("testdata/right/*")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	sources := map[string][]byte{}
	for _, file := range files {
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		sources[filepath.Base(file)] = source
	}
	return sources
}

func TestLoadAccepts(t *testing.T) {
	t.Parallel()
	for name, source := range rightFiles(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			versions, err := job.Load(source)
			require.NoError(t, err)
			for _, version := range versions {
				require.Empty(t, version.Warnings)
				opened, err := job.Open(version.Canonical)
				require.NoError(t, err)
				require.Equal(t, version.Definition, opened.Definition)
				requireCompiles(t, opened)
			}
		})
	}
}

// requireCompiles checks that everything a run asks of a program can be asked: what
// fails, fails on the values.
func requireCompiles(t *testing.T, p *job.Program) {
	t.Helper()
	for _, steps := range [][]job.Step{p.Definition.Steps, p.Definition.Finally} {
		for i := range steps {
			requireStepCompiles(t, p, &steps[i])
			for j := range steps[i].Steps {
				requireStepCompiles(t, p, &steps[i].Steps[j])
			}
		}
	}
	_, err := p.Output(expr.Scope{})
	requireValuesOnly(t, err)
	p.Variables()
}

func requireStepCompiles(t *testing.T, p *job.Program, step *job.Step) {
	t.Helper()
	// A step whose expressions can't be compiled gets all there is.
	marked := expr.Scope{"mark": true}
	require.NotContains(t, p.StepScope(step.ID, marked), "mark", step.ID)
	require.NotContains(t, p.CompensateScope(step.ID, marked), "mark", step.ID)
	_, err := p.Condition(step.ID, expr.Scope{})
	requireValuesOnly(t, err)
	_, _, err = p.StepOutput(step.ID, expr.Scope{})
	requireValuesOnly(t, err)
	_, err = p.Continues(step.ID, expr.Scope{}, &job.Failure{Code: "timeout"})
	requireValuesOnly(t, err)
	_, err = p.Message(step.ID, expr.Scope{})
	requireValuesOnly(t, err)
	if step.Foreach != nil {
		_, err = p.Items(step.ID, expr.Scope{})
		requireValuesOnly(t, err)
	}
	if step.Wait != nil && step.Wait.Until != "" {
		_, err = p.Until(step.ID, expr.Scope{})
		requireValuesOnly(t, err)
	}
	require.Same(t, step, p.Step(step.ID))
	if len(step.Steps) > 0 {
		require.Len(t, p.Group(step.ID).Steps, len(step.Steps))
	}
}

// requireValuesOnly checks that an evaluation failed on its values, if at all.
func requireValuesOnly(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		require.NotEqual(t, job.CodeInternal, job.CodeOf(err), "%v", err)
	}
}

func TestTeamVariables(t *testing.T) {
	t.Parallel()
	source := []byte(`{"apiVersion":"fairlead/v1","name":"vars","steps":[{"id":"a","uses":"http","with":{"url":"https://a.example/${vars.etl_rol}/${vars.region}"}}]}`)

	_, err := job.Load(source)
	require.NoError(t, err, "of a team that isn't known")
	_, err = job.LoadIn(job.Team{Variables: []string{"etl_rol", "region"}}, source)
	require.NoError(t, err)

	_, err = job.LoadIn(job.Team{Variables: []string{"etl_role", "region"}}, source)
	var failed *job.Error
	require.ErrorAs(t, err, &failed)
	require.Len(t, failed.Fields, 1)
	require.Equal(t, "/steps/0/with/url", failed.Fields[0].Pointer)
	require.Contains(t, failed.Fields[0].Message, "the team has no variable `etl_rol` (did you mean `etl_role`?)")

	_, err = job.LoadIn(job.Team{Variables: []string{}}, source)
	require.ErrorAs(t, err, &failed)
	require.Len(t, failed.Fields, 2, "a team without variables")
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	version := load(t, `
apiVersion: fairlead/v1
name: again
cleanupTimeout: 5m
defaults: {timeout: 1m, retry: {attempts: 5, max: 10s}}
steps:
  - {id: answer, wait: {callback: {timeout: 1h}}}
  - {id: self, uses: job.run, with: {job: again}}
`)
	require.Equal(t, []string{
		"4:1: /cleanupTimeout: no step has `compensate` and there is no `finally`; this has no effect",
		"5:12: /defaults/timeout: no call takes this; it has no effect",
		"5:25: /defaults/retry: no call takes this; it has no effect",
		"7:25: /steps/0/wait/callback: no step passes on the URL of this callback: `${callbacks.answer}` in the `with` of a step that runs before or beside this one",
		"8:38: /steps/1/with/job: the job starts itself; 10 runs may start each other, then the step fails",
	}, lines(version.Warnings))

	version = load(t, `
apiVersion: fairlead/v1
name: again
defaults:
  timeout: 1m
  retry: {max: 10s}
  with: {job: {job: again}}
steps:
  - {id: call, uses: http, timeout: 5s, retry: {initial: 20s}, with: {url: "https://a.example"}}
  - {id: itself, uses: job.run}
`)
	require.Equal(t, []string{
		"5:3: /defaults/timeout: no call takes this; it has no effect",
		"7:16: /defaults/with/job/job: the job starts itself; 10 runs may start each other, then the step fails",
		"9:49: /steps/0/retry/initial: the first pause is longer than the longest of `defaults.retry`, 10s, which doesn't count here: every pause is 20s; say it with a `max` of its own",
	}, lines(version.Warnings))
}

// lines are warnings as text.
func lines(warnings []job.Field) []string {
	var all []string
	for _, warning := range warnings {
		all = append(all, warning.String())
	}
	return all
}

// Every key of the grammar, at its place, is in a file that loads, opens and compiles.
func TestTheRightFilesHaveEveryKey(t *testing.T) {
	t.Parallel()
	var jobs [][]byte
	for _, source := range rightFiles(t) {
		versions, err := job.Load(source)
		require.NoError(t, err)
		for _, version := range versions {
			jobs = append(jobs, version.Canonical)
		}
	}
	keys, err := jobmodel.Keys(schema.Job(), jobs...)
	require.NoError(t, err)
	require.Greater(t, len(keys), 40)
	for key, used := range keys {
		assert.True(t, used, "no file in testdata/right has %s", key)
	}
}
