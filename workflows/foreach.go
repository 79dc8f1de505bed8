package workflows

import (
	"encoding/json"
	"fmt"

	"go.temporal.io/sdk/workflow"

	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/job/expr"
)

// maxItemErrors is how many failures `steps.X.items.errors` has.
const maxItemErrors = 100

// items runs a step once for every element of a list.
type items struct {
	lane    *lane
	step    *job.Step
	list    []job.Item
	state   job.ItemsState
	outputs []json.RawMessage // nil where an item has none
	size    int               // bytes of outputs
	errors  []any
	// first is the first failure that was not covered, firstKey is its item's.
	first    *job.Failure
	firstKey string
	// halted is what keeps further items from being started.
	halted *job.Failure
	over   bool
}

// startItems evaluates a step's list and starts on its items.
func (l *lane) startItems(step *job.Step) {
	list, err := l.r.program.Items(step.ID, l.scope)
	if err != nil {
		l.finish(step, failed(expressionFailure(step.ID, err)))
		return
	}
	it := &items{lane: l, step: step, list: list, state: job.ItemsState{Total: len(list)}, outputs: make([]json.RawMessage, len(list))}
	l.r.records.begin(l.place(step), job.StatusRunning, 0, workflow.Now(l.ctx))
	l.r.inbox.expect(step.ID, list)
	l.r.records.total(step.ID, len(list))
	l.r.touch(it)
}

// advance starts as many items as may be under way.
func (it *items) advance() {
	if it.over {
		return
	}
	if it.lane.ctx.Err() != nil || it.halted != nil {
		if it.state.UnderWay() == 0 {
			it.finish(it.stopped())
		}
		return
	}
	plan := it.step.Foreach.Next(it.state)
	for range plan.Start {
		it.state.Started++
		it.begin(it.list[it.state.Started-1])
	}
	if plan.Done {
		it.finish(it.conclude(plan.Outcome))
	}
}

// begin starts an item.
func (it *items) begin(item job.Item) {
	l := it.lane
	u := &unit{r: l.r, lane: l, step: it.step, at: place{step: it.step.ID, key: item.Key, index: item.Index, item: true}, ctx: l.ctx}
	u.scope = with(l.scope, expr.Scope{it.step.Foreach.As: item.Value, "index": int64(item.Index)})
	u.done = func(res result) { it.settle(u, item, res) }
	u.start()
}

// settle takes an item's end.
func (it *items) settle(u *unit, item job.Item, res result) {
	if res.failed() {
		res = it.lane.r.excuse(it.step, u.scope, res)
	}
	switch {
	case res.status == job.StatusSucceeded:
		it.state.Succeeded++
		it.keep(item, res.output)
	case !res.failed():
		it.state.Canceled++
	default:
		it.fail(item, res)
	}
	it.lane.r.budget.work++
	it.lane.r.records.end(u.at, res, workflow.Now(u.ctx))
	it.lane.r.touch(it)
}

// keep keeps an item's output. Outputs that together are too large stop the step.
func (it *items) keep(item job.Item, output json.RawMessage) {
	it.size += len(output) + 1
	if it.halted == nil && it.size > job.MaxOutput {
		it.halted = &job.Failure{Code: string(job.CodeTooLarge), Step: it.step.ID, Message: fmt.Sprintf(
			"the outputs of the items have more than %d MiB together: keep large data elsewhere and give its address", job.MaxOutput>>20)}
		it.outputs = nil
	}
	if it.halted == nil {
		it.outputs[item.Index] = output
	}
}

// fail counts an item's failure.
func (it *items) fail(item job.Item, res result) {
	if res.reason == job.ReasonTolerated {
		it.state.Tolerated++
	} else {
		it.state.Failed++
		if it.first == nil {
			it.first, it.firstKey = res.failure, item.Key
		}
	}
	if len(it.errors) < maxItemErrors {
		it.errors = append(it.errors, map[string]any{
			"key": item.Key, "code": res.failure.Code, "message": res.failure.Message,
		})
	}
}

// stopped is the end of a step whose items were stopped.
func (it *items) stopped() result {
	if it.lane.ctx.Err() != nil {
		return it.conclude(job.StatusCanceled)
	}
	res := failed(it.halted)
	res.items = it.view()
	return res
}

// conclude is the end of a step whose items have ended.
func (it *items) conclude(outcome job.Status) result {
	res := result{status: outcome, items: it.view(), excused: true}
	switch outcome {
	case job.StatusSucceeded:
		res.output = listOf(it.outputs)
		if err := job.CheckOutput("the list of the items' outputs", res.output); err != nil {
			res = failed(expressionFailure(it.step.ID, err))
			res.items = it.view()
		}
	case job.StatusFailed:
		res.failure = it.failure()
	default:
		res.failure = canceledFailure(it.step.ID, "")
	}
	return res
}

// failure says that too many items failed.
func (it *items) failure() *job.Failure {
	where := "item " + it.firstKey
	if it.first.Step != it.step.ID { // one of a group's
		where += ", step " + it.first.Step
	}
	return &job.Failure{
		Code: string(job.CodeItemsFailed), Step: it.step.ID, Item: it.firstKey,
		Message: fmt.Sprintf("%d of %d items failed, more than tolerate %d; first %s: %s: %s",
			it.state.Failed, it.state.Total, it.step.Foreach.Tolerated(it.state.Total), where, it.first.Code, it.first.Message),
	}
}

// view is how expressions see the items.
func (it *items) view() map[string]any {
	return itemsView(it.state.Total, it.state.Succeeded, it.state.Failed+it.state.Tolerated, it.errors)
}

func (it *items) finish(res result) {
	it.over = true
	it.outputs = nil
	it.lane.finish(it.step, res)
}

// listOf is a list of JSON values; one that is nil is null.
func listOf(values []json.RawMessage) json.RawMessage {
	list := []byte{'['}
	for i, value := range values {
		if i > 0 {
			list = append(list, ',')
		}
		if value == nil {
			value = null
		}
		list = append(list, value...)
	}
	return append(list, ']')
}
