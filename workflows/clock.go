package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"
)

// clock is a run's timeout: a timer that stands still while a person is waited for.
type clock struct {
	ctx     workflow.Context
	watch   *watch
	expired func()

	left    time.Duration
	since   time.Time // when the timer was started
	cancel  workflow.CancelFunc
	holders int
}

// newClock starts the timer; expired is called once, when it has run for that long.
func newClock(ctx workflow.Context, watch *watch, timeout time.Duration, expired func()) *clock {
	c := &clock{ctx: ctx, watch: watch, expired: expired, left: timeout}
	c.run()
	return c
}

func (c *clock) run() {
	ctx, cancel := workflow.WithCancel(c.ctx)
	c.cancel, c.since = cancel, workflow.Now(ctx)
	c.watch.future(workflow.NewTimer(ctx, c.left), func(f workflow.Future) {
		if f.Get(ctx, nil) == nil {
			c.expired()
		}
	})
}

// stop ends the timer for good.
func (c *clock) stop() { c.cancel() }

// hold stops the timer until release is called as often.
func (c *clock) hold() {
	c.holders++
	if c.holders == 1 {
		c.left = max(0, c.left-workflow.Now(c.ctx).Sub(c.since))
		c.cancel()
	}
}

// release lets the timer go on with what is left of it.
func (c *clock) release() {
	c.holders--
	if c.holders == 0 {
		c.run()
	}
}
