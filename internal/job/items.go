package job

// Item is one element of a `foreach`.
type Item struct {
	// Index is its place in the list, from 0.
	Index int
	// Key names it in logs, tokens and answers; no other item of the step has it.
	Key string
	// Value is what the step's `as` gives to expressions.
	Value any
}

// ItemsState is how the items of a `foreach` stand.
type ItemsState struct {
	Total   int // of the list
	Started int
	// Succeeded, Failed, Tolerated and Canceled have ended. Tolerated failed
	// under the step's `continueOnError`; Skipped by a condition count as succeeded.
	Succeeded, Failed, Tolerated, Canceled int
}

// UnderWay is how many items have been started and have not ended.
func (s ItemsState) UnderWay() int {
	return s.Started - s.Succeeded - s.Failed - s.Tolerated - s.Canceled
}

// ItemsPlan is what comes next in a `foreach`.
type ItemsPlan struct {
	// Start is how many more items may be started now, in the order of the list.
	Start int
	// Done reports that nothing is under way and nothing is to be started.
	Done bool
	// Outcome is the step's when Done: succeeded, failed (more items failed than
	// are tolerated) or canceled; else "".
	Outcome Status
}

// Next says what comes next. It is a function of its arguments alone.
func (f *Foreach) Next(s ItemsState) ItemsPlan {
	var plan ItemsPlan
	underWay := s.UnderWay()
	exceeded := s.Failed > f.Tolerate.of(s.Total)
	if !exceeded && s.Canceled == 0 {
		plan.Start = max(0, min(f.Parallel-underWay, s.Total-s.Started))
	}
	if plan.Done = underWay == 0 && plan.Start == 0; plan.Done {
		plan.Outcome = outcome(exceeded, s.Canceled > 0)
	}
	return plan
}

// Tolerated is how many of so many items may fail.
func (f *Foreach) Tolerated(total int) int { return f.Tolerate.of(total) }

// of is the number of items out of a total; a share is rounded down.
func (t Tolerance) of(total int) int { return t.Items + total*t.Percent/100 }
