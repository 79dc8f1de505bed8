package workflows

import (
	"slices"

	"go.temporal.io/sdk/workflow"
)

// watch calls back for what a run waits for, the first that was added first. The
// SDK's selector keeps all that it was ever given, with the results, and tells
// all that is open whenever it waits: with a hundred calls under way a run would
// spend more on that than on all else.
type watch struct {
	open  []watched
	added int // so far
}

// watched is something that becomes ready at some time, and stays so: a future, or the end of a context.
type watched struct {
	number int
	future workflow.Future
	ctx    workflow.Context // where future is nil
	back   func(f workflow.Future)
}

func (one *watched) ready() bool {
	if one.future == nil {
		return one.ctx.Err() != nil
	}
	return one.future.IsReady()
}

// future calls back once f is ready.
func (w *watch) future(f workflow.Future, back func(f workflow.Future)) {
	w.add(watched{future: f, back: back})
}

// ending calls back once a context has ended, unless drop is called before.
func (w *watch) ending(ctx workflow.Context, back func()) (drop func()) {
	number := w.add(watched{ctx: ctx, back: func(workflow.Future) { back() }})
	return func() {
		w.open = slices.DeleteFunc(w.open, func(one watched) bool { return one.number == number })
	}
}

func (w *watch) add(one watched) (number int) {
	w.added++
	one.number = w.added
	w.open = append(w.open, one)
	return one.number
}

// ready reports whether something is.
func (w *watch) ready() bool { return w.first() >= 0 }

// first is the place of the first that is ready; -1: nothing is.
func (w *watch) first() int {
	for i := range w.open {
		if w.open[i].ready() {
			return i
		}
	}
	return -1
}

// next calls back for the first that is ready, and lets go of it.
func (w *watch) next() {
	first := w.first()
	one := w.open[first]
	copy(w.open[1:first+1], w.open[:first]) // the fewer: what was added first is mostly ready first
	w.open[0] = watched{}
	w.open = w.open[1:]
	one.back(one.future)
}
