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

// watched is something that becomes ready at some time, and stays so.
type watched struct {
	number int
	ready  func() bool
	back   func()
}

// future calls back once f is ready.
func (w *watch) future(f workflow.Future, back func(f workflow.Future)) {
	w.add(f.IsReady, func() { back(f) })
}

// ending calls back once a context has ended, unless drop is called before.
func (w *watch) ending(ctx workflow.Context, back func()) (drop func()) {
	number := w.add(func() bool { return ctx.Err() != nil }, back)
	return func() {
		w.open = slices.DeleteFunc(w.open, func(one watched) bool { return one.number == number })
	}
}

func (w *watch) add(ready func() bool, back func()) (number int) {
	w.added++
	w.open = append(w.open, watched{number: w.added, ready: ready, back: back})
	return w.added
}

// ready reports whether something is.
func (w *watch) ready() bool { return w.first() >= 0 }

// first is the place of the first that is ready; -1: nothing is.
func (w *watch) first() int {
	return slices.IndexFunc(w.open, func(one watched) bool { return one.ready() })
}

// next calls back for the first that is ready, and lets go of it.
func (w *watch) next() {
	first := w.first()
	back := w.open[first].back
	copy(w.open[1:first+1], w.open[:first]) // the fewer: what was added first is mostly ready first
	w.open[0] = watched{}
	w.open = w.open[1:]
	back()
}
