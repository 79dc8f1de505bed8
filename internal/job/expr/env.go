package expr

import (
	"maps"
	"slices"
)

// Types says which variables an expression sees, and what is known of them.
// The zero value knows only the variables' names: input, steps, run and vars.
type Types struct {
	// Input is the type of `input`; nil is any.
	Input *Type
	// Steps are the visible steps. Nil: any step may be named, and nothing is
	// known of it; empty but not nil: there is none.
	Steps map[string]Step
	// Others are the steps of the job that exist but aren't visible, because
	// they aren't ancestors.
	Others []string
	// Apart are steps of the job that can't be made visible by needing them, and why.
	Apart map[string]string
	// Absent are variables that other expressions of the job see, and why this one doesn't.
	Absent map[string]string
	// Vars are the team's variables. Nil: any may be named.
	Vars []string
	// Callbacks are the steps whose `callbacks.<step>` may be named. None: there
	// is no `callbacks` here.
	Callbacks []string
	// Ending says that the run's outcome is fixed: `run` has outcome and error too.
	Ending bool
	// Roots are further variables (a loop's item, `output`, …), which must be none of the above.
	Roots map[string]*Type
}

// Step is a visible step.
type Step struct {
	// Output is the type of `steps.x.output`; nil is any.
	Output *Type
	// Skippable says that the step may have no output when the expression is
	// evaluated: plain selection into its output is refused.
	Skippable bool
	// Because says why: "may be skipped" when it is "".
	Because string
}

// Env is a set of variables, ready to compile expressions. It is cheap to make,
// and safe to use from several goroutines.
type Env struct {
	roots     map[string]*Type
	steps     map[string]Step // nil: not known
	others    []string
	apart     map[string]string
	absent    map[string]string
	vars      []string // nil: not known
	callbacks []string
	any       bool // every root is allowed, and nothing is known
}

// NewEnv returns the environment of some variables. It fails only if the
// expression language itself can't be set up, a defect of this build.
func NewEnv(visible Types) (*Env, error) {
	if _, err := base(); err != nil {
		return nil, err
	}
	env := &Env{
		steps: visible.Steps, others: visible.Others, apart: visible.Apart, absent: visible.Absent, vars: visible.Vars, callbacks: visible.Callbacks,
		roots: make(map[string]*Type, len(visible.Roots)+len(elsewhere)),
	}
	maps.Copy(env.roots, visible.Roots)
	env.roots[rootInput] = visible.Input
	env.roots[rootSteps] = nil
	env.roots[rootVars] = nil
	env.roots[rootRun] = runType(visible.Ending)
	if len(visible.Callbacks) > 0 {
		env.roots[rootCallbacks] = nil
	}
	return env, nil
}

// visibleSteps are the steps that may be named, sorted.
func (e *Env) visibleSteps() []string { return slices.Sorted(maps.Keys(e.steps)) }

// names are the variables, sorted.
func (e *Env) names() []string { return slices.Sorted(maps.Keys(e.roots)) }
