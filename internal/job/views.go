package job

import (
	"maps"
	"slices"

	"github.com/fairlead/fairlead/internal/job/expr"
)

// view is what an expression sees beside input, run and vars.
type view struct {
	// level is where the expression stands, self the step that has it; nil: outside of every step.
	level *level
	self  *site
	// steps are the visible ones; unsure: each may have failed, or not have run.
	steps  []*site
	unsure bool
	// roots are further variables with their types.
	roots     map[string]*expr.Type
	callbacks []string
	// absent are variables that others see, and why this one doesn't.
	absent map[string]string
	// ending: the run's outcome is fixed.
	ending bool
}

// with is the view with one more variable.
func (v view) with(name string, typ *expr.Type) view {
	v.roots = maps.Clone(v.roots)
	if v.roots == nil {
		v.roots = map[string]*expr.Type{}
	}
	v.roots[name] = typ
	return v
}

// without is the view with the reason why a variable isn't in it.
func (v view) without(name, reason string) view {
	v.absent = maps.Clone(v.absent)
	if v.absent == nil {
		v.absent = map[string]string{}
	}
	v.absent[name] = reason
	return v
}

// before is what a step's `if` and `foreach.in` see: the steps that have ended
// before it, and the item of the group that it is in.
func (s *scoping) before(at *site) view {
	v := view{level: at.level, self: at}
	switch at.level.kind {
	case levelMain:
		v.steps = at.level.ancestors(at.at)
	case levelGroup:
		v = s.item(at.level.group)
		v.level, v.self = at.level, at
		v.steps = append(slices.Clip(v.steps), at.level.ancestors(at.at)...)
	case levelFinally:
		v.ending, v.unsure = true, true
		v.steps = append(slices.Clone(s.main.sites), at.level.sites[:at.at]...)
	}
	return v
}

// item is what a step sees for one of its items; what it sees where it has none.
func (s *scoping) item(at *site) view {
	v := s.before(at)
	if f := at.step.Foreach; f != nil && f.As != "" {
		v = v.with(f.As, s.element(at)).with(rootIndex, expr.Int())
	}
	return v
}

// call is what the arguments of a step's action see.
func (s *scoping) call(at *site) view {
	v := s.item(at)
	if at.step.Foreach != nil {
		return v.without(rootCallbacks, "the `wait` waits once, and this step is done for every item; put both into a group that has the `foreach`")
	}
	v.callbacks = at.level.callbacks(at.level.ancestors(at.at))
	return v
}

// own is what looks at the step's own `output` sees; of a group its inner steps instead.
func (s *scoping) own(at *site) view {
	v := s.item(at)
	if at.inner == nil {
		return v.with(rootOutput, s.given(at))
	}
	v = v.without(rootOutput, "a group has none of its own; make it of its steps' outputs, steps.<id>.output")
	v.level = at.inner
	v.steps = append(slices.Clip(v.steps), at.inner.sites...)
	return v
}

// failed is what looks at a step's `error` sees.
func (s *scoping) failed(at *site) view { return s.item(at).with(rootError, expr.ErrorType()) }

// undone is what the arguments of a step's compensation see.
func (s *scoping) undone(at *site) view { return s.item(at).with(rootOutput, s.pass(at)) }

// element is the type of the items of a step's `foreach`; nil is any.
func (s *scoping) element(at *site) *expr.Type {
	in := at.node.get("foreach").get("in")
	if in == nil {
		return nil
	}
	return s.compiled(in, s.before(at), expr.WantList).typ.Element()
}

// decision is the output of an approval.
const decision = `{"type":"object","additionalProperties":false,"properties":{
	"decision":{"type":"string"},"by":{"type":"string"},"at":{"type":"string"},"comment":{"type":"string"}}}`

// leftChild is the output of a job.run that doesn't wait for its child.
const leftChild = `{"type":"object","additionalProperties":false,"properties":{
	"run":{"type":"string"},"job":{"type":"string"},"version":{"type":"integer"},"status":{"type":"string"},"output":{"type":"null"}}}`

// nothing is the type of null.
const nothing = `{"type":"null"}`

// given is the type of what a step's work gives, before its `output` makes
// something else of it; nil is any.
func (s *scoping) given(at *site) *expr.Type {
	switch {
	case at.step.Approval != nil:
		return expr.FromSchema([]byte(decision))
	case at.step.Wait != nil && at.step.Wait.Callback == nil:
		return expr.FromSchema([]byte(nothing))
	case at.step.Uses == usesJobRun && at.with.leavesChild():
		return expr.FromSchema([]byte(leftChild))
	case at.step.Uses != "" && s.actions[at.step.Uses] != nil:
		return s.actions[at.step.Uses].output
	}
	return nil
}

// pass is the type of a step's output, of one of its items; nil is any.
func (s *scoping) pass(at *site) *expr.Type {
	if written := at.node.get("output"); written != nil {
		return s.compiled(written, s.own(at), expr.WantAny).typ
	}
	if at.inner != nil {
		return expr.FromSchema([]byte(nothing))
	}
	return s.given(at)
}

// output is the type of `steps.x.output`; nil is any.
func (s *scoping) output(at *site) *expr.Type {
	f := at.step.Foreach
	if f == nil {
		return s.pass(at)
	}
	return expr.ListOf(s.pass(at), f.Tolerate != Tolerance{} || at.step.ContinueOnError != "")
}

// seen is what an expression may know of a visible step.
func (s *scoping) seen(at *site, v view) expr.Step {
	step := expr.Step{Output: s.output(at)}
	switch {
	case v.unsure:
		step.Skippable, step.Because = true, "may not have succeeded"
	case at.step.If != "" && at.step.ContinueOnError != "":
		step.Skippable, step.Because = true, "may be skipped, or fail (`continueOnError`)"
	case at.step.If != "":
		step.Skippable = true
	case at.step.ContinueOnError != "":
		step.Skippable, step.Because = true, "may fail (`continueOnError`)"
	}
	return step
}

// apart says why a step can't be made visible by needing it; "" when it can.
func (v view) apart(at *site) string {
	id := shorten(at.step.ID)
	switch {
	case at == v.self:
		return "step `" + id + "` is this step itself, which has no result yet" + v.ownOutput()
	case at.level.kind == levelGroup && at.level != v.level:
		group := shorten(at.level.group.step.ID)
		return "step `" + id + "` is inside the group `" + group + "`, and is seen only there; give the group an `output` made of it, and use `steps." + group + ".output`"
	case v.level != nil && v.level.group == at:
		return "step `" + id + "` is the group that this step is in; it has a result only when all of its steps have ended"
	case at.level.kind == levelFinally && (v.level == nil || v.level.kind != levelFinally):
		return "step `" + id + "` is one of `finally`, and runs only after all of this"
	case at.level.kind == levelFinally:
		return "step `" + id + "` doesn't run before this one: the steps of `finally` run in the order of the file; move it up"
	case v.level != nil && v.level.kind == levelGroup && at.level != v.level:
		group := shorten(v.level.group.step.ID)
		return "step `" + id + "` isn't an ancestor of the group `" + group + "` that this step is in: add `needs: [" + id + "]` to the group"
	case v.self != nil && at.level == v.level && slices.Contains(at.level.ancestors(at.at), v.self):
		return "step `" + id + "` runs only after this one"
	case v.level == nil:
		return "step `" + id + "` can't be seen here"
	}
	return ""
}

// ownOutput is where a step's own output is to be had.
func (v view) ownOutput() string {
	if _, ok := v.roots[rootOutput]; ok {
		return "; its own output is `output` here"
	}
	return ""
}
