package workflows

import "go.temporal.io/sdk/workflow"

// Watch is a run's watch.
type Watch struct{ watch }

// Future watches a future.
func (w *Watch) Future(f workflow.Future, back func(f workflow.Future)) { w.future(f, back) }

// Ending watches a context.
func (w *Watch) Ending(ctx workflow.Context, back func()) func() { return w.ending(ctx, back) }

// Next calls back for what is ready first.
func (w *Watch) Next() { w.next() }

// Held is how many futures and contexts it holds.
func (w *Watch) Held() int { return len(w.open) }
