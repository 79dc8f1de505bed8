package jobmodel

import (
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"
)

// Shape says which jobs and scripts are drawn.
type Shape struct {
	// Steps is how many a job may have, and Items a `foreach`.
	Steps, Items int
	// Timers draws timeouts of runs and of groups.
	Timers bool
	// Odd draws calls that end canceled or timed out by themselves.
	Odd bool
}

// Draw returns a job and a script of it.
func Draw(t *rapid.T, shape Shape) (Job, Script) {
	d := drawer{T: t, shape: shape, script: Script{
		Calls: map[Unit]Done{}, Skips: map[Unit]bool{}, Decisions: map[Unit]Decision{}, Callbacks: map[Unit]time.Duration{},
	}}
	j := d.job()
	for i := range j.Steps {
		d.scriptStep(&j.Steps[i], []string{""})
	}
	for i := range j.Finally {
		d.scriptStep(&j.Finally[i], []string{""})
	}
	if d.chance(25, "canceled") {
		d.script.CancelAfter = d.between(1, 12, "cancel after")
	}
	return j, d.script
}

type drawer struct {
	*rapid.T
	shape  Shape
	script Script
	odd    int
}

func (d *drawer) between(least, most int, label string) int {
	return rapid.IntRange(least, most).Draw(d.T, label)
}

// chance is true so many times in a hundred, and false where rapid finds a simplest case.
func (d *drawer) chance(percent int, label string) bool {
	return d.between(1, 100, label) > 100-percent
}

// time is a length of time, unlike others even where rapid finds a simplest case.
func (d *drawer) time(label string) time.Duration {
	const prime = 99_991
	d.odd = (d.odd*48_271 + 1) % prime
	return time.Duration(d.between(1, 100_000, label)+d.odd) * time.Second
}

func (d *drawer) job() Job {
	j := Job{Steps: d.steps("s", d.between(1, d.shape.Steps, "steps"), true)}
	for i := range d.between(0, 2, "finally") {
		step := d.call(fmt.Sprintf("f%d", i))
		step.Compensate, step.Needs = false, nil
		j.Finally = append(j.Finally, step)
	}
	if d.shape.Timers && d.chance(20, "timeout") {
		j.Timeout = d.time("run timeout")
	}
	return j
}

// steps draws a graph: needs in the order of the file, some of them left out,
// or in any order, which leaves none out.
func (d *drawer) steps(prefix string, n int, groups bool) []Step {
	steps := make([]Step, n)
	for i := range steps {
		steps[i] = d.step(fmt.Sprintf("%s%d", prefix, i), groups)
	}
	rank := make([]int, n)
	for i := range rank {
		rank[i] = i
	}
	anyOrder := d.chance(30, "any order")
	if anyOrder {
		rank = rapid.Permutation(rank).Draw(d.T, "rank")
	}
	for i := range steps {
		if !anyOrder && d.chance(40, "no needs written") {
			continue
		}
		steps[i].Needs = []string{}
		for j := range steps {
			if rank[j] < rank[i] && d.chance(30, "needs") {
				steps[i].Needs = append(steps[i].Needs, steps[j].ID)
			}
		}
	}
	return steps
}

func (d *drawer) step(id string, groups bool) Step {
	kind := d.between(0, 11, "kind")
	switch {
	case kind == 11:
		step := d.call(id)
		step.Kind, step.Poll = Child, false
		return step
	case kind == 10:
		return d.asks(id, Callback)
	case kind == 9:
		step := d.asks(id, Approval)
		step.OnTimeout = rapid.SampledFrom([]string{Approve, Reject, Fail}).Draw(d.T, "onTimeout")
		return step
	case kind == 8:
		return Step{ID: id, Kind: Wait, If: d.chance(20, "if"), Time: d.time("wait")}
	case kind >= 6 && groups:
		return d.group(id)
	}
	return d.call(id)
}

func (d *drawer) call(id string) Step {
	step := Step{ID: id, Kind: Call, If: d.chance(20, "if"), Cover: d.cover(), Compensate: d.chance(30, "compensate"), Poll: d.chance(20, "poll")}
	if d.chance(30, "foreach") {
		step.Foreach = d.foreach(step.Cover)
	}
	return step
}

// asks is a step that waits for somebody. A callback's has no items of its own: they
// would have one URL.
func (d *drawer) asks(id string, kind Kind) Step {
	step := Step{ID: id, Kind: kind, If: d.chance(20, "if"), Cover: d.cover(), Time: d.time("patience")}
	if kind == Approval && d.chance(20, "foreach") {
		step.Foreach, step.Time = d.foreach(step.Cover), patience
	}
	return step
}

func (d *drawer) cover() Cover {
	if !d.chance(40, "covered") {
		return CoverNone
	}
	return rapid.SampledFrom([]Cover{CoverSoft, CoverAll}).Draw(d.T, "cover")
}

// patience is longer than anybody takes to answer: two items whose time is up at
// the same instant have no order.
const patience = 2000 * time.Hour

// group draws a group. What two of its items do at the same instant has no
// order: with items it has no waits, and its steps have no items of their own.
// One that is undone does something: a list inside it is not empty.
func (d *drawer) group(id string) Step {
	step := Step{ID: id, Kind: Group, If: d.chance(20, "if"), Cover: d.cover(), Compensate: d.chance(30, "compensate")}
	step.Steps = d.steps(id+"_", d.between(1, 3, "inner steps"), false)
	if d.chance(50, "foreach") {
		step.Foreach = d.foreach(step.Cover)
		for i := range step.Steps {
			inner := &step.Steps[i]
			switch inner.Foreach = nil; inner.Kind {
			case Approval, Callback:
				inner.Time = patience
			case Wait:
				inner.Kind, inner.Time = Call, 0
			case Call, Child, Group:
			}
		}
	} else if d.shape.Timers && d.chance(30, "timeout") {
		step.Time = d.time("group timeout")
	}
	if step.Compensate {
		for i := range step.Steps {
			step.Steps[i].If = false
			if inner := step.Steps[i].Foreach; inner != nil {
				inner.Items = max(inner.Items, 1)
			}
		}
	}
	return step
}

func (d *drawer) foreach(cover Cover) *Foreach {
	f := &Foreach{Items: d.between(0, d.shape.Items, "items"), Parallel: d.between(1, 4, "parallel"), Keyed: d.chance(50, "keyed")}
	if cover != CoverAll && d.chance(60, "tolerate") { // all are covered: none is left to tolerate
		f.Tolerate = d.between(0, 3, "tolerated")
		if f.Percent = d.chance(40, "percent"); f.Percent {
			f.Tolerate = d.between(0, 60, "tolerated percent")
		}
	}
	return f
}

// scriptStep draws what a step does for each of the items that it is inside of.
func (d *drawer) scriptStep(step *Step, items []string) {
	if step.If {
		for _, item := range items {
			if d.chance(50, "skipped") {
				d.script.Skips[Unit{step.ID, item}] = true
			}
		}
	}
	if step.Foreach != nil {
		items = step.Foreach.Keys() // it has no items around it
	}
	for _, item := range items {
		d.scriptPass(step, Unit{step.ID, item})
		if step.Compensate {
			d.script.Calls[Unit{CompensationOf(step.ID), item}] = d.done(false)
		}
	}
	for i := range step.Steps {
		d.scriptStep(&step.Steps[i], items)
	}
}

// scriptPass draws how a step goes for one item. Those of items are answered.
func (d *drawer) scriptPass(step *Step, unit Unit) {
	switch step.Kind {
	case Call, Child:
		done := d.done(d.shape.Odd)
		switch {
		case done.Status == Failed && step.Kind == Child:
			done.Code = "child_failed" // whatever the child's own is
		case done.Status == Failed && step.Poll && d.chance(50, "poll timeout"):
			done.Status, done.Code = TimedOut, "poll_timeout"
		}
		d.script.Calls[unit] = done
	case Approval:
		if unit.Item != "" || d.chance(70, "decided") {
			decision := Decision{Approved: d.chance(60, "approved"), After: d.time("decided after")}
			if d.chance(70, "in time") {
				decision.After = max(time.Second, decision.After%step.Time)
			}
			d.script.Decisions[unit] = decision
		}
	case Callback:
		if unit.Item != "" || d.chance(80, "called back") {
			d.script.Callbacks[unit] = d.time("called back after")
		}
	case Wait, Group:
	}
}

func (d *drawer) done(odd bool) Done {
	done := Done{Status: Succeeded, After: d.time("after")}
	switch end := d.between(1, 100, "end"); {
	case odd && end > 95:
		done.Status = Canceled
	case odd && end > 90:
		done.Status, done.Code = TimedOut, "hard"
	case end > 85:
		done.Status, done.Code = Failed, "hard"
	case end > 70:
		done.Status, done.Code = Failed, "soft"
	}
	return done
}

// Keys are those of the items, in order.
func (f *Foreach) Keys() []string {
	keys := make([]string, f.Items)
	for i := range keys {
		keys[i] = fmt.Sprint(i)
		if f.Keyed {
			keys[i] = "k" + keys[i]
		}
	}
	return keys
}

// Needs returns what the i-th step waits for: "a step without `needs` waits for
// the step above it in the file; needs: [] starts at once".
func Needs(steps []Step, i int) []string {
	switch {
	case steps[i].Needs != nil:
		return slices.Clone(steps[i].Needs)
	case i == 0:
		return []string{}
	}
	return []string{steps[i-1].ID}
}
