package workflows

import "go.temporal.io/sdk/workflow"

const (
	// maxInFlight bounds the calls of one run that are under way at once, and the
	// runs that it waits for, so that what one workflow task schedules stays far
	// below the server's limits.
	maxInFlight = 100
	// maxResting bounds the waits and approvals of one run that are open at once:
	// each has a timer, and all of them may end together.
	maxResting = 1000
)

// slots bounds what is under way at once. What is beyond the bound waits, and
// gets a slot in the order in which it asked.
type slots struct {
	most  int
	taken int
	queue []claim
	// closed keeps everything waiting while it is true; nil is never.
	closed func() bool
}

// claim is one that waits for a slot.
type claim struct {
	ctx   workflow.Context
	start func(granted bool)
}

// claim calls start once there is a slot, or with false once ctx has ended before.
func (s *slots) claim(ctx workflow.Context, start func(granted bool)) {
	switch {
	case ctx.Err() != nil:
		start(false)
	case !s.open():
		s.queue = append(s.queue, claim{ctx: ctx, start: start})
	default:
		s.taken++
		start(true)
	}
}

func (s *slots) open() bool { return s.taken < s.most && (s.closed == nil || !s.closed()) }

// free gives a slot back.
func (s *slots) free() {
	s.taken--
	s.serve()
}

// serve gives those that wait what slots there are.
func (s *slots) serve() {
	for s.open() && len(s.queue) > 0 {
		next := s.queue[0]
		s.queue = s.queue[1:]
		s.claim(next.ctx, next.start)
	}
}

// sweep turns away those that wait though their context has ended.
func (s *slots) sweep() {
	queue := s.queue
	s.queue = nil
	for _, waiting := range queue {
		s.claim(waiting.ctx, waiting.start)
	}
}

// busy reports whether something is under way.
func (s *slots) busy() bool { return s.taken > 0 }
