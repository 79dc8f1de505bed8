package workflows

import (
	"bytes"
	"encoding/json"
	"fmt"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/internal/job"
)

// inbox takes what is sent to a run: decisions on approvals, and callbacks.
type inbox struct {
	approvals map[address]*approval
	callbacks map[address]*callback
	// items are the keys of the items that a step or a group has been started for.
	items map[string]map[string]bool
	// over are the steps, in an item or in none, that have ended.
	over map[address]bool
	// groups are the groups of the steps that are in one.
	groups map[string]string
}

// address is what an answer is for; item is "" where there is none.
type address struct{ step, item string }

// callbackState is how far a step that waits for a callback is.
type callbackState int

const (
	early   callbackState = iota // the step has not begun to wait
	awaited                      // it waits
	taken                        // it has its callback
	missed                       // it ended without
)

// callback is what was posted to a step's URL.
type callback struct {
	state callbackState
	body  json.RawMessage // nil: nothing yet
	rest  *rest
}

func newInbox(def *job.Definition) *inbox {
	b := &inbox{
		approvals: map[address]*approval{}, callbacks: map[address]*callback{}, items: map[string]map[string]bool{},
		over: map[address]bool{}, groups: map[string]string{},
	}
	for i := range def.Steps {
		for j := range def.Steps[i].Steps {
			b.groups[def.Steps[i].Steps[j].ID] = def.Steps[i].ID
		}
	}
	return b
}

// close notes that a step has ended: nothing waits for an answer to it any more.
func (b *inbox) close(at place) { b.over[address{step: at.step, item: at.key}] = true }

// closed reports whether a step has ended, in an item or as a whole.
func (b *inbox) closed(id, item string) bool {
	return b.over[address{step: id, item: item}] || b.over[address{step: id}] || b.over[address{step: b.groups[id]}]
}

// keys are those of the items that a step is run for, its own or its group's; nil: it is run for none yet.
func (b *inbox) keys(id string) map[string]bool {
	if own := b.items[id]; own != nil {
		return own
	}
	return b.items[b.groups[id]]
}

// callback is that of an address, a new one if nobody has asked for it yet.
func (b *inbox) callback(to address) *callback {
	if b.callbacks[to] == nil {
		b.callbacks[to] = &callback{}
	}
	return b.callbacks[to]
}

// expect notes the items of a step.
func (b *inbox) expect(step string, list []job.Item) {
	b.items[step] = make(map[string]bool, len(list))
	for i := range list {
		b.items[step][list[i].Key] = true
	}
}

// listen takes updates from now on. An update is checked when it comes, so that
// a refused one leaves no trace, and again when it is carried out.
func (r *run) listen(ctx workflow.Context) error {
	err := workflow.SetUpdateHandlerWithOptions(ctx, UpdateDecide, func(ctx workflow.Context, d Decision) (activities.ApprovalRecord, error) {
		if err := r.checkDecision(d); err != nil {
			return activities.ApprovalRecord{}, err
		}
		return r.inbox.approvals[address{d.Step, d.Item}].decide(d, workflow.Now(ctx)), nil
	}, workflow.UpdateHandlerOptions{
		Validator: func(_ workflow.Context, d Decision) error { return r.checkDecision(d) },
	})
	if err != nil {
		return err
	}
	return workflow.SetUpdateHandlerWithOptions(ctx, UpdateCallback, func(_ workflow.Context, c Callback) error {
		if err := r.checkCallback(c); err != nil {
			return err
		}
		r.inbox.callback(address{c.Step, c.Item}).post(c.Body)
		return nil
	}, workflow.UpdateHandlerOptions{
		Validator: func(_ workflow.Context, c Callback) error { return r.checkCallback(c) },
	})
}

// checkDecision says why a decision can't be taken; nil when it can.
func (r *run) checkDecision(d Decision) error {
	step := r.program.Step(d.Step)
	if step == nil || step.Approval == nil {
		return refusal(RefusedUnknown, "the run has no approval %q", d.Step)
	}
	if asked := r.inbox.approvals[address{d.Step, d.Item}]; asked != nil {
		return asked.check(d)
	}
	return r.unasked(d.Step, d.Item, refusal(RefusedEarly, "the approval %q is not asked for yet", d.Step))
}

// checkCallback says why a callback can't be taken; nil when it can.
func (r *run) checkCallback(c Callback) error {
	step := r.program.Step(c.Step)
	if step == nil || step.Wait == nil || step.Wait.Callback == nil {
		return refusal(RefusedUnknown, "the run has no step %q that waits for a callback", c.Step)
	}
	known := r.inbox.callbacks[address{c.Step, c.Item}]
	switch {
	case known == nil:
		return r.unasked(c.Step, c.Item, nil)
	case known.state == missed:
		return refusal(RefusedLate, "the step %q waits no more", c.Step)
	case known.body != nil && !bytes.Equal(known.body, bodyOf(c.Body)):
		return refusal(RefusedDecided, "the step %q has been called back before, with another body", c.Step)
	case known.body == nil && r.outcome != "":
		return refusal(RefusedLate, "the run is over")
	}
	return nil
}

// unasked says what becomes of an answer to a step, or an item of it, that
// doesn't wait yet: notYet while it still may.
func (r *run) unasked(id, item string, notYet error) error {
	keys := r.inbox.keys(id)
	switch {
	case keys != nil && !keys[item], keys == nil && item != "":
		return refusal(RefusedUnknown, "the step %q has no item %q", id, item)
	case r.outcome != "":
		return refusal(RefusedLate, "the run is over")
	case r.inbox.closed(id, item):
		return refusal(RefusedLate, "the step %q is over", id)
	}
	return notYet
}

// post keeps a callback's body, and wakes the step if it waits.
func (c *callback) post(body json.RawMessage) {
	if c.body != nil {
		return // the same once more
	}
	c.body = bodyOf(body)
	if c.rest != nil {
		c.rest.answer()
	}
}

// bodyOf is a callback's body; none is null.
func bodyOf(body json.RawMessage) json.RawMessage {
	if len(body) == 0 {
		return null
	}
	return body
}

// refusal is the error that an update is refused with.
func refusal(kind, format string, args ...any) error {
	return temporal.NewNonRetryableApplicationError(fmt.Sprintf(format, args...), kind, nil)
}
