package job

import "slices"

// StepState is what the planner knows of a step; the zero value is a step that
// nobody has looked at: pending.
type StepState struct {
	// Status is "" or [StatusPending] until the step is started or skipped,
	// then [StatusRunning], [StatusWaiting] or an end.
	Status Status `json:"status"`
	// Reason says why a step was skipped, or that its failure is tolerated.
	Reason Reason `json:"reason,omitempty"`
	// Order numbers the steps as they ended, from 1; 0 is unknown.
	Order int `json:"order,omitempty"`
}

// satisfies reports whether an ended step satisfies those that need it.
func (s StepState) satisfies() bool {
	switch s.Status {
	case StatusSucceeded, StatusCompensated:
		return true
	case StatusSkipped:
		return s.Reason == ReasonCondition
	case StatusFailed, StatusTimedOut:
		return s.Reason == ReasonTolerated
	case StatusCanceled, StatusPending, StatusQueued, StatusRunning, StatusWaiting:
	}
	return false
}

// Plan is what comes next in a block.
type Plan struct {
	// Ready are the steps whose needs are satisfied and that have not begun, in
	// the order of the file: evaluate their `if`, then start or skip them.
	Ready []string
	// Skip are the steps that can't run any more because of a step they need, directly
	// or not: end them as skipped with reason [ReasonUpstream].
	Skip []string
	// Done reports that every step has ended, those in Skip included.
	Done bool
	// Outcome is the block's when Done: succeeded, failed or canceled; else "".
	Outcome Status
	// FailedStep is the step that failed first and is not tolerated, by
	// [StepState.Order], then by the order of the file; "" while none has.
	FailedStep string
}

// Block is a list of steps that are run as a graph: a job's, a group's, or `finally`.
type Block struct {
	// Steps are in the order of the file; don't change them.
	Steps []Step

	places map[string]int
	order  []int   // the places of the steps, every one after those that it needs
	needs  [][]int // by place, the places of those that a step needs
	needed []bool  // by place, whether another needs a step
	always bool    // a step runs whatever became of those it needs
}

// newBlock returns the block of steps whose needs are resolved.
func newBlock(steps []Step, always bool) *Block {
	places := make(map[string]int, len(steps))
	for i := range steps {
		places[steps[i].ID] = i
	}
	g := newGraph(steps, places)
	needed := make([]bool, len(steps))
	for _, needs := range g.needs {
		for _, place := range needs {
			needed[place] = true
		}
	}
	return &Block{Steps: steps, places: places, order: g.order(), needs: g.needs, needed: needed, always: always}
}

// Place is a step's among the block's steps.
func (b *Block) Place(id string) int { return b.places[id] }

// Needed reports whether the step at a place is needed by another of the block. While
// some of its steps are under way, the end of one that none needs changes no plan.
func (b *Block) Needed(place int) bool { return b.needed[place] }

// Next says what comes next. It is a function of its arguments alone: states are
// the steps' by their places, and nil is a block that has not begun. Whoever
// starts what is Ready, skips what is in Skip, and asks again after each end,
// comes to Done.
func (b *Block) Next(states []StepState) Plan {
	if states == nil {
		states = make([]StepState, len(b.Steps))
	}
	var ready, skip []int
	open, canceled, failed, first := false, false, -1, 0
	done := make([]need, len(b.Steps))
	for _, i := range b.order {
		state := states[i]
		switch state.Status {
		case StatusPending, "":
			done[i] = b.need(i, done)
			switch done[i] {
			case needImpossible:
				skip = append(skip, i)
				continue
			case needSatisfied:
				ready = append(ready, i)
			case needOpen:
			}
			done[i], open = needOpen, true
			continue
		case StatusRunning, StatusWaiting, StatusQueued:
			open = true
			continue
		case StatusFailed, StatusTimedOut:
			if state.Reason != ReasonTolerated && (failed < 0 || before(state.Order, first, i < failed)) {
				failed, first = i, state.Order
			}
		case StatusCanceled:
			canceled = true
		case StatusSucceeded, StatusSkipped, StatusCompensated:
		}
		if done[i] = needImpossible; b.always || state.satisfies() {
			done[i] = needSatisfied
		}
	}
	plan := Plan{Ready: b.ids(ready), Skip: b.ids(skip), Done: !open}
	if failed >= 0 {
		plan.FailedStep = b.Steps[failed].ID
	}
	if plan.Done {
		plan.Outcome = outcome(failed >= 0, canceled)
	}
	return plan
}

// ids are the steps at some places, in the order of the file.
func (b *Block) ids(places []int) []string {
	if len(places) == 0 {
		return nil
	}
	slices.Sort(places)
	ids := make([]string, len(places))
	for i, place := range places {
		ids[i] = b.Steps[place].ID
	}
	return ids
}

// before reports whether order a comes before b; unknown orders (0) come last, and ties go by the file.
func before(a, b int, earlierInFile bool) bool {
	switch {
	case a == b:
		return earlierInFile
	case a == 0:
		return false
	case b == 0:
		return true
	}
	return a < b
}

// outcome is that of a block or a `foreach`, all of whose parts have ended.
func outcome(failed, canceled bool) Status {
	switch {
	case failed:
		return StatusFailed
	case canceled:
		return StatusCanceled
	}
	return StatusSucceeded
}

// need is the state of what a step waits for.
type need int8

const (
	needOpen need = iota
	needSatisfied
	needImpossible
)

// need says whether a step's needs are satisfied, given what each step before it is to others.
func (b *Block) need(step int, done []need) need {
	result := needSatisfied
	for _, other := range b.needs[step] {
		switch done[other] {
		case needImpossible:
			return needImpossible
		case needOpen:
			result = needOpen
		case needSatisfied:
		}
	}
	return result
}
