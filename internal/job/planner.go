package job

import "slices"

// StepState is what the planner knows of a step; the zero value is a step that
// nobody has looked at: pending.
type StepState struct {
	// Status is "" or [StatusPending] until the step is started or skipped,
	// then [StatusRunning] or an end.
	Status Status `json:"status"`
	// Reason says why a step was skipped.
	Reason SkipReason `json:"reason,omitempty"`
	// Order numbers the steps as they ended, from 1; 0 is unknown.
	Order int `json:"order,omitempty"`
}

// Plan is what comes next in a run.
type Plan struct {
	// Ready are the steps whose needs are satisfied and that have not begun, in
	// the order of the file: evaluate their `if`, then start or skip them.
	Ready []string
	// Skip are the steps that can't run any more because of a step they need, directly
	// or not: end them as skipped with reason [SkipUpstream].
	Skip []string
	// Done reports that every step has ended, those in Skip included.
	Done bool
	// Outcome is the run's when Done: succeeded, failed or canceled; else "".
	Outcome Status
	// FailedStep is the step that failed first, by [StepState.Order], then by
	// the order of the file; "" while none has.
	FailedStep string
}

// Next says what comes next. It is a function of its arguments alone: a step
// absent from states is pending, states of unknown steps are ignored. Whoever
// starts what is Ready, skips what is in Skip, and asks again after each end,
// comes to Done.
func (p *Program) Next(states map[string]StepState) Plan {
	var plan Plan
	skipped := map[string]bool{}
	open, canceled, first := false, false, 0
	for _, step := range p.order {
		state := states[step.ID]
		switch state.Status {
		case StatusFailed, StatusTimedOut:
			if plan.FailedStep == "" || before(state.Order, first, p.index[step.ID] < p.index[plan.FailedStep]) {
				plan.FailedStep, first = step.ID, state.Order
			}
		case StatusCanceled:
			canceled = true
		case StatusSucceeded, StatusSkipped:
		case StatusRunning, StatusQueued:
			open = true
		case StatusPending, "":
			switch p.needs(step, states, skipped) {
			case needImpossible:
				skipped[step.ID] = true
				plan.Skip = append(plan.Skip, step.ID)
			case needSatisfied:
				plan.Ready = append(plan.Ready, step.ID)
				open = true
			case needOpen:
				open = true
			}
		}
	}
	byFile := func(a, b string) int { return p.index[a] - p.index[b] }
	slices.SortFunc(plan.Ready, byFile)
	slices.SortFunc(plan.Skip, byFile)
	if plan.Done = !open; plan.Done {
		plan.Outcome = outcome(plan.FailedStep != "", canceled)
	}
	return plan
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

// outcome is a run's, all of whose steps have ended.
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
type need int

const (
	needOpen need = iota
	needSatisfied
	needImpossible
)

// needs says whether a step's needs are satisfied: succeeded, or skipped by
// their own `if`. skipped are those that this plan skips.
func (p *Program) needs(step *Step, states map[string]StepState, skipped map[string]bool) need {
	result := needSatisfied
	for _, id := range step.Needs {
		state := states[id]
		switch {
		case skipped[id],
			state.Status == StatusFailed, state.Status == StatusTimedOut, state.Status == StatusCanceled,
			state.Status == StatusSkipped && state.Reason != SkipCondition:
			return needImpossible
		case state.Status == StatusSucceeded, state.Status == StatusSkipped:
		default:
			result = needOpen
		}
	}
	return result
}
