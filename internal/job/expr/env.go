package expr

import (
	"maps"
	"slices"
)

// Types says which variables an expression sees, and what is known of them.
// The zero value knows only the variables' names: input, steps and run.
type Types struct {
	// Input is the type of `input`; nil is any.
	Input *Type
	// Steps are the visible steps. Nil: any step may be named, and nothing is
	// known of it; empty but not nil: there is none.
	Steps map[string]Step
	// Others are the steps of the job that exist but aren't visible, because
	// they aren't ancestors.
	Others []string
	// Roots are further variables (a loop's item, …), which must not be input, steps or run.
	Roots map[string]*Type
}

// Step is a visible step.
type Step struct {
	// Output is the type of `steps.x.output`; nil is any.
	Output *Type
	// Skippable says that the step may have no output when the expression is
	// evaluated: plain selection into its output is refused.
	Skippable bool
}

// Env is a set of variables, ready to compile expressions. It is cheap to make,
// and safe to use from several goroutines.
type Env struct {
	roots  map[string]*Type
	steps  map[string]Step // nil: not known
	others []string
	any    bool // every root is allowed, and nothing is known
}

// rootSteps is the variable whose selections are checked step by step.
const rootSteps = "steps"

// NewEnv returns the environment of some variables. It fails only if the
// expression language itself can't be set up, a defect of this build.
func NewEnv(visible Types) (*Env, error) {
	if _, err := base(); err != nil {
		return nil, err
	}
	env := &Env{steps: visible.Steps, others: visible.Others, roots: make(map[string]*Type, len(visible.Roots)+len(standard))}
	maps.Copy(env.roots, visible.Roots)
	maps.Copy(env.roots, standard)
	env.roots["input"] = visible.Input
	return env, nil
}

// standard are the variables that every expression sees; steps is resolved step by step.
var standard = map[string]*Type{
	"input":   nil,
	rootSteps: nil,
	"run": closed(map[string]*Type{
		"id": {kind: kindString}, "job": {kind: kindString}, "version": {kind: kindInt},
		"trigger": {kind: kindString}, "startedAt": {kind: kindString},
	}),
}

// stepFields are the fields of `steps.x` beside its output. Its error is null unless the step failed.
var stepFields = map[string]*Type{
	"status": {kind: kindString},
	"error": {kind: kindObject, null: true, prop: map[string]*Type{
		"code": {kind: kindString}, "message": {kind: kindString}, "status": {kind: kindInt}, "type": {kind: kindString},
		"step": {kind: kindString}, "item": {kind: kindString}, "retryable": {kind: kindBool},
	}},
	"items": closed(map[string]*Type{
		"total": {kind: kindInt}, "succeeded": {kind: kindInt}, "failed": {kind: kindInt},
		"errors": {kind: kindList, item: closed(map[string]*Type{
			"key": {kind: kindString}, "code": {kind: kindString}, "message": {kind: kindString},
		})},
	}),
}

// typ is the type of `steps.x`.
func (s Step) typ() *Type {
	output := s.Output
	if s.Skippable && output != nil {
		// Its fields are known; as a whole it may be null.
		nullable := *output
		nullable.null = true
		output = &nullable
	}
	fields := maps.Clone(stepFields)
	fields["output"] = output
	return closed(fields)
}

// visibleSteps are the steps that may be named, sorted.
func (e *Env) visibleSteps() []string { return slices.Sorted(maps.Keys(e.steps)) }

// names are the variables, sorted.
func (e *Env) names() []string { return slices.Sorted(maps.Keys(e.roots)) }

// elsewhere says where the language's other variables can be used.
var elsewhere = map[string]string{
	"vars":      "team variables are not supported by this build",
	"secrets":   "secrets are not supported by this build",
	"callbacks": "callbacks are not supported by this build",
	"schedule":  "it exists only in a schedule's `input`",
	"event":     "it exists only in a trigger",
	"output":    "it exists only in a step's own `poll`, `output` and `compensate`; another step's output is `steps.<id>.output`",
	"error":     "it exists only in a step's own `retry.if` and `continueOnError`; another step's error is `steps.<id>.error`",
	"index":     "it exists only inside a `foreach`",
	"now":       "there is no clock in an expression; use `timestamp(run.startedAt)`",
}
