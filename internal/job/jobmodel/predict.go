package jobmodel

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// never is later than anything.
const never = time.Duration(math.MaxInt64)

// Failure is what an error says that doesn't depend on words.
type Failure struct{ Code, Step, Item string }

// End is how a step, or an item of it, ends.
type End struct {
	Status  Status
	Reason  string
	Failure Failure
	At      time.Duration
	// Items of a step that has a `foreach`, or is inside a group that has one; nil for others.
	Items *Counts
	// Output is JSON, of a step or item that succeeded: "", what the model doesn't know.
	Output string
}

// Counts are how the items of a step stand at its end.
type Counts struct{ Total, Succeeded, Failed int }

// satisfies: "a need is satisfied when its step succeeded, was skipped by its
// own `if`, or failed under `continueOnError`".
func (e End) satisfies() bool {
	switch e.Status {
	case Succeeded:
		return true
	case Skipped:
		return e.Reason == ByCondition
	case Failed, TimedOut:
		return e.Reason == ByTolerance
	case Canceled, Compensated:
	}
	return false
}

func (e End) failed() bool {
	return (e.Status == Failed || e.Status == TimedOut) && e.Reason != ByTolerance
}

// Prediction is what must come of a job under a script.
type Prediction struct {
	Status  Status
	Failure Failure
	// Cleanup is "" where there was nothing to do.
	Cleanup Status
	// Steps has every step, and the compensations that ran.
	Steps map[string]End
	// Items has every item that began, of steps with a `foreach` and of those
	// inside such groups, and the compensations of items.
	Items map[Unit]End
	// Calls are all that began but for the cleanup, in no order.
	Calls []Unit
	// Undone are the compensations in their order, Finally the calls that follow them.
	Undone, Finally []Unit
	// Answers are what is sent to the run.
	Answers []Answer
	// Cancel is when the script cancels the run, counted from its start; 0: it doesn't.
	Cancel time.Duration
	// Gap is the least time between two things that happen: what happens at one
	// instant has no order, and a prediction of it no worth.
	Gap time.Duration
}

// Predict says what must come of a job.
func Predict(j Job, s Script) Prediction {
	m := predict(j, s, never)
	status, failure := outcome(m.Steps, j.Steps)
	stop, cancel := never, m.cancelAt()
	if 0 < cancel && cancel < m.last {
		stop, status, failure = cancel, Canceled, Failure{Code: "canceled"}
	}
	if at := m.runsOut(j.Timeout); at < min(stop, m.last) {
		stop, status, failure = at, TimedOut, Failure{Code: "run_timeout"}
	}
	m.callBack(j.Steps, stop)
	gap := narrow(never, slices.Concat(m.ended, m.sent))
	if stop < never {
		m = predict(j, s, stop)
		m.callBack(j.Steps, stop)
		gap = narrow(gap, slices.Concat(m.ended, m.sent, []time.Duration{stop}))
	}
	m.Status, m.Failure, m.Cancel, m.Gap = status, failure, cancel, gap
	m.undo()
	m.finish(j)
	return m.Prediction
}

// model works out one prediction.
type model struct {
	Prediction
	script Script
	// last is when the last step has ended, ended when each call, wait and approval
	// has, and when a group was out of time.
	last  time.Duration
	ended []time.Duration
	// sent are the instants of what is sent that no step ends with.
	sent []time.Duration
	// listed is when the items of a step were known.
	listed map[string]time.Duration
	// persons are the times in which somebody was waited for.
	persons []span
	done    []completion
}

type span struct{ from, to time.Duration }

// completion is something that succeeded and has a compensation.
type completion struct {
	unit  Unit
	at    time.Duration
	group bool
}

// predict has everything begin that may, and stops what hasn't ended at an instant.
func predict(j Job, s Script, stop time.Duration) *model {
	m := &model{
		script: s, Prediction: Prediction{Steps: map[string]End{}, Items: map[Unit]End{}}, listed: map[string]time.Duration{},
	}
	for _, end := range m.block(j.Steps, "", 0, stop) {
		m.last = max(m.last, end.At)
	}
	return m
}

// cancelAt is when the script cancels the run: between two ends, or in the cleanup.
func (m *model) cancelAt() time.Duration {
	slices.Sort(m.ended)
	n := m.script.CancelAfter
	switch {
	case n == 0:
		return 0
	case n < len(m.ended):
		return m.ended[n-1] + (m.ended[n]-m.ended[n-1])/2
	}
	return m.last + time.Minute
}

// runsOut is when a run's timeout has passed, without the time in which a
// person was waited for.
func (m *model) runsOut(timeout time.Duration) time.Duration {
	if timeout == 0 {
		return never
	}
	changes := []time.Duration{never}
	for _, s := range m.persons {
		changes = append(changes, s.from, s.to)
	}
	slices.Sort(changes)
	now, left := time.Duration(0), timeout
	for _, next := range changes {
		waiting := slices.ContainsFunc(m.persons, func(s span) bool { return s.from <= now && now < s.to })
		switch {
		case waiting:
		case left < next-now:
			return now + left
		default:
			left -= next - now
		}
		now = next
	}
	return never
}

// outcome: "the run then ends failed, error naming the first failure".
func outcome(ends map[string]End, steps []Step) (Status, Failure) {
	var first *End
	canceled := false
	for _, step := range steps {
		end := ends[step.ID]
		canceled = canceled || end.Status == Canceled
		if end.failed() && (first == nil || end.At < first.At) {
			first = &end
		}
	}
	switch {
	case first != nil:
		return Failed, first.Failure
	case canceled:
		return Canceled, Failure{}
	}
	return Succeeded, Failure{}
}

// undo: "compensate every succeeded step and item in reverse order of completion
// (on failed, canceled, timed_out; even items of a failed step)". A group ends
// right after the last of its steps.
func (m *model) undo() {
	if m.Status == Succeeded {
		return
	}
	slices.SortStableFunc(m.done, func(a, b completion) int {
		switch {
		case a.at != b.at:
			return cmp.Compare(a.at, b.at)
		case a.group == b.group:
			return 0
		case a.group:
			return 1
		}
		return -1
	})
	for _, completed := range slices.Backward(m.done) {
		unit := completed.unit
		call := Unit{CompensationOf(unit.Step), unit.Item}
		m.Undone = append(m.Undone, call)
		does := m.script.Calls[call]
		end := End{Status: does.Status, At: time.Duration(len(m.Undone))}
		if does.Status != Succeeded {
			end.Failure = Failure{does.Code, call.Step, call.Item}
		}
		m.keep(call, end)
		m.cleaned(does.Status == Succeeded)
		if does.Status == Succeeded {
			m.compensated(unit)
		}
	}
	for _, call := range m.Undone {
		if call.Item != "" {
			m.Steps[call.Step] = m.sum(call.Step, m.count(call.Step), false)
		}
	}
}

// compensated: a step, or the item of it, that was undone says so; a step that
// succeeded, when every item of it is that had.
func (m *model) compensated(unit Unit) {
	end := m.Steps[unit.Step]
	if item, ok := m.Items[unit]; ok {
		item.Status = Compensated
		m.Items[unit] = item
		for other, item := range m.Items {
			if other.Step == unit.Step && item.Status == Succeeded {
				return
			}
		}
	}
	if end.Status == Succeeded {
		end.Status = Compensated
		m.Steps[unit.Step] = end
	}
}

// finish: "then finally (always)", one step after the other.
func (m *model) finish(j Job) {
	final := &model{script: m.script, Prediction: Prediction{Steps: m.Steps, Items: m.Items}, listed: m.listed}
	for _, step := range j.Finally {
		end := final.step(step, "", nil, 0, never)
		m.keep(Unit{step.ID, ""}, end)
		m.Gap, final.ended = narrow(m.Gap, final.ended), nil
		m.cleaned(!end.failed())
	}
	m.Finally = final.Calls
}

// narrow returns the least time between instants, if it is less than what is known.
func narrow(gap time.Duration, instants []time.Duration) time.Duration {
	slices.Sort(instants)
	for i := 1; i < len(instants); i++ {
		gap = min(gap, instants[i]-instants[i-1])
	}
	return gap
}

// cleaned: "a failed compensation or finally keeps the outcome, goes on with the
// rest, sets cleanup: failed".
func (m *model) cleaned(well bool) {
	switch {
	case !well:
		m.Cleanup = Failed
	case m.Cleanup == "":
		m.Cleanup = Succeeded
	}
}
