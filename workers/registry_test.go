package workers_test

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/workflow"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/schema"
	"github.com/fairlead/fairlead/workers"
	"github.com/fairlead/fairlead/workflows"
)

// registry keeps the types of what is registered.
type registry struct {
	activities, workflows map[string]reflect.Type
}

func (r registry) RegisterWorkflowWithOptions(w any, options workflow.RegisterOptions) {
	r.workflows[options.Name] = reflect.TypeOf(w)
}

func (r registry) RegisterActivityWithOptions(a any, options activity.RegisterOptions) {
	r.activities[options.Name] = reflect.TypeOf(a)
}

func register(roles ...string) registry {
	r := registry{activities: map[string]reflect.Type{}, workflows: map[string]reflect.Type{}}
	for _, role := range roles {
		workers.Register(r, role, workers.Parts{})
	}
	return r
}

// constants are the values of a file's string constants whose names begin so.
func constants(t *testing.T, path, prefix string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	require.NoError(t, err)
	var values []string
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(spec.Names[0].Name, prefix) || len(spec.Values) == 0 {
			return true
		}
		if literal, ok := spec.Values[0].(*ast.BasicLit); ok && literal.Kind == token.STRING {
			value, err := strconv.Unquote(literal.Value)
			require.NoError(t, err)
			values = append(values, value)
		}
		return true
	})
	require.NotEmpty(t, values)
	return values
}

// contract is the signature of every activity's name.
func contract() map[string]reflect.Type {
	signatures := map[string]reflect.Type{
		activities.Record:               reflect.TypeFor[func(context.Context, activities.RunRecord) (activities.Recorded, error)](),
		activities.PrepareNotifications: reflect.TypeFor[func(context.Context, activities.Ending) (activities.Deliveries, error)](),
		activities.SendNotification:     reflect.TypeFor[func(context.Context, activities.Delivery) error](),
		activities.StartQueued:          reflect.TypeFor[func(context.Context) (activities.Swept, error)](),
		activities.FindLost:             reflect.TypeFor[func(context.Context) (activities.Lost, error)](),
		activities.DrainLogs:            reflect.TypeFor[func(context.Context) (activities.Swept, error)](),
	}
	for _, action := range activities.ActionNames() {
		signatures[action] = reflect.TypeFor[func(context.Context, activities.Step) (activities.StepResult, error)]()
	}
	return signatures
}

func TestEveryNameOfTheContractIsServed(t *testing.T) {
	t.Parallel()
	var names []string
	queues := []string{activities.QueueRuns, activities.QueueUpkeep, activities.QueueNotifications}
	for _, name := range constants(t, "../activities/names.go", "") {
		if !slices.Contains(queues, name) {
			names = append(names, name)
		}
	}
	want := contract()
	require.ElementsMatch(t, names, slices.Collect(maps.Keys(want)), "a name of the contract has no signature in this test")
	require.Equal(t, want, register(workers.Roles()...).activities)
}

func TestEveryWorkflowIsServed(t *testing.T) {
	t.Parallel()
	got := register(workers.Roles()...).workflows
	require.Equal(t, map[string]reflect.Type{
		workflows.TypeRun:    reflect.TypeFor[func(workflow.Context, workflows.RunInput) (workflows.RunResult, error)](),
		workflows.TypeNotify: reflect.TypeFor[func(workflow.Context, activities.Ending) error](),
		workflows.TypeUpkeep: reflect.TypeFor[func(workflow.Context) error](),
	}, got)
	require.ElementsMatch(t, constants(t, "../workflows/options.go", "Type"), slices.Collect(maps.Keys(got)))
}

func TestEachRoleServesWhatItsWorkflowsCall(t *testing.T) {
	t.Parallel()
	for role, want := range map[string][]string{
		workers.RoleRunner:       append(activities.ActionNames(), activities.Record),
		workers.RoleOrchestrator: {activities.StartQueued, activities.FindLost, activities.DrainLogs, activities.Record},
		workers.RoleNotifier:     {activities.PrepareNotifications, activities.SendNotification},
	} {
		require.ElementsMatch(t, want, slices.Collect(maps.Keys(register(role).activities)), role)
	}
	require.Empty(t, register("none").activities)
}

func TestActionsAgreeWithTheirSchemas(t *testing.T) {
	t.Parallel()
	require.ElementsMatch(t, activities.ActionNames(), slices.Collect(maps.Keys(schema.Actions())))
	require.ElementsMatch(t, activities.ActionNames(), job.ActionNames())
}
