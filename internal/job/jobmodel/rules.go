package jobmodel

import "time"

// block gives the ends of a graph's steps, which may begin at an instant and
// are stopped at another. It looks at each step again and again until all that
// it needs is known.
func (m *model) block(steps []Step, item string, at, stop time.Duration) map[string]End {
	ends := map[string]End{}
	for len(ends) < len(steps) {
		for i := range steps {
			if _, known := ends[steps[i].ID]; known {
				continue
			}
			var needed []End
			for _, id := range Needs(steps, i) {
				if end, known := ends[id]; known {
					needed = append(needed, end)
				}
			}
			if len(needed) == len(Needs(steps, i)) {
				end := m.step(steps[i], item, needed, at, stop)
				ends[steps[i].ID] = end
				m.keep(Unit{steps[i].ID, item}, end)
			}
		}
	}
	return ends
}

// keep files an end: under its item where it has one.
func (m *model) keep(unit Unit, end End) {
	if unit.Item == "" {
		m.Steps[unit.Step] = end
	} else {
		m.Items[unit] = end
	}
}

// step: "a step with a need that can no longer be satisfied is skipped with
// reason upstream"; "if is evaluated once, after the needs, before foreach".
// What hasn't begun when its block is stopped never does.
func (m *model) step(step Step, item string, needed []End, at, stop time.Duration) End {
	lost := never
	for _, end := range needed {
		at = max(at, end.At)
		if !end.satisfies() {
			lost = min(lost, end.At)
		}
	}
	switch {
	case lost < stop:
		return m.unreached(step, item, End{Status: Skipped, Reason: ByUpstream, At: lost})
	case lost < never || at >= stop:
		return m.unreached(step, item, End{Status: Canceled, At: stop})
	case step.If && m.script.Skips[Unit{step.ID, item}]:
		return m.unreached(step, item, End{Status: Skipped, Reason: ByCondition, At: at})
	case step.Foreach != nil:
		return m.foreach(step, at, stop)
	}
	return m.once(step, item, at, stop)
}

// unreached ends a step that never began; a group's steps then end as it does.
func (m *model) unreached(step Step, item string, end End) End {
	for _, inner := range step.Steps {
		inside := end
		if step.Foreach != nil || inner.Foreach != nil {
			inside.Items = &Counts{}
		}
		m.keep(Unit{inner.ID, item}, inside)
	}
	if step.Foreach != nil {
		end.Items = &Counts{}
	}
	return end
}

// once does a step, or one item of it, and asks its `continueOnError`.
func (m *model) once(step Step, item string, at, stop time.Duration) End {
	var end End
	unit := Unit{step.ID, item}
	if step.Kind == Group {
		end = m.pass(step, item, at, stop)
	} else {
		end = m.alone(step, item, at, stop)
	}
	covered := step.Cover == CoverAll || step.Cover == CoverSoft && end.Failure.Code == "soft"
	if covered && end.failed() {
		end.Reason = ByTolerance
	}
	if step.Compensate && end.Status == Succeeded {
		m.done = append(m.done, completion{unit, end.At, step.Kind == Group})
	}
	return end
}

// alone is a step that isn't a group.
func (m *model) alone(step Step, item string, at, stop time.Duration) End {
	unit := Unit{step.ID, item}
	end := End{Status: Succeeded, At: at + step.Time, Output: "null"}
	fail := func(status Status, code string) {
		end.Status, end.Failure, end.Output = status, Failure{code, step.ID, item}, ""
	}
	switch step.Kind {
	case Call, Child:
		m.Calls = append(m.Calls, unit)
		done := m.script.Calls[unit]
		end.At, end.Output = at+done.After, Output(unit)
		if done.Status != Succeeded {
			fail(done.Status, done.Code)
		}
	case Approval:
		end.Output = `"approved by timeout"`
		m.decide(step, unit, &end, at, stop, fail)
	case Callback:
		called, ok := m.script.Callbacks[unit]
		if ok = ok && called >= m.listed[step.ID] && called < end.At; ok {
			end.At, end.Output = max(at, called), Output(unit)
		} else {
			fail(TimedOut, "callback_timeout")
		}
	case Wait, Group:
	}
	if end.At >= stop {
		return End{Status: Canceled, At: stop, Failure: Failure{"canceled", step.ID, item}}
	}
	if end.At > at { // what came before it was waited for is no event of its own
		m.ended = append(m.ended, end.At)
	}
	return end
}

// decide: "the first decision counts"; one that comes in time ends the step.
func (m *model) decide(step Step, unit Unit, end *End, at, stop time.Duration, fail func(Status, string)) {
	decision, decided := m.script.Decisions[unit]
	inTime := decided && decision.After < step.Time
	if inTime {
		end.At, end.Output = at+decision.After, `"approved by `+Person+`"`
	}
	if decided {
		m.answer(Answer{Unit: unit, At: at + decision.After, Approved: decision.Approved, Taken: inTime && end.At < stop}, inTime)
	}
	m.persons = append(m.persons, span{at, min(end.At, stop)})
	switch {
	case inTime && !decision.Approved, !inTime && step.OnTimeout == Reject:
		fail(Failed, "approval_rejected")
	case !inTime && step.OnTimeout == Fail:
		fail(TimedOut, "approval_timeout")
	}
}

// pass does a group's steps for one item. It "ends failed when an inner step
// failed untolerated, after its independent inner branches have ended".
func (m *model) pass(step Step, item string, at, stop time.Duration) End {
	limit := stop
	if step.Time > 0 {
		limit = min(stop, at+step.Time)
	}
	ends := m.block(step.Steps, item, at, limit)
	end := End{At: at}
	for _, inner := range ends {
		end.At = max(end.At, inner.At)
	}
	end.Status, end.Failure = outcome(ends, step.Steps)
	if step.Compensate && end.At == at { // it has no place among what ends then
		m.ended = append(m.ended, at, at)
	}
	switch {
	case end.At < limit && end.Status == Succeeded:
		end.Output = "null"
	case end.At < limit:
	case limit < stop:
		end.Status, end.Failure = TimedOut, Failure{"timeout", step.ID, item}
		m.ended = append(m.ended, limit)
	default:
		end.Status, end.Failure = Canceled, Failure{"canceled", step.ID, item}
	}
	return end
}

// foreach: items begin in order, "parallel" at once. "When more than tolerate
// uncovered items have failed, no new item is started, those under way go on to
// their end, then the step fails."
func (m *model) foreach(step Step, at, stop time.Duration) End {
	keys := step.Foreach.Keys()
	m.list(step, at)
	tolerate := step.Foreach.Tolerate
	if step.Foreach.Percent {
		tolerate = len(keys) * step.Foreach.Tolerate / 100
	}
	var items []End
	end := End{At: at}
	begin, stopped := at, false
	for _, key := range keys {
		begin = room(items, begin, step.Foreach.Parallel)
		bad, lost := spoiled(items, begin)
		stopped = begin >= stop
		if bad > tolerate || lost > 0 || stopped {
			break
		}
		unit := Unit{step.ID, key}
		item := m.once(step, unit.Item, begin, stop)
		items = append(items, item)
		m.Items[unit] = item
		end.At = max(end.At, item.At)
	}
	failed, canceled := spoiled(items, never)
	switch {
	case stopped || end.At >= stop:
		end.Status, end.Failure = Canceled, Failure{"canceled", step.ID, ""}
	case failed > tolerate:
		end.Status, end.Failure = Failed, Failure{"items_failed", step.ID, keys[firstFailed(items)]}
	case canceled > 0:
		end.Status, end.Failure = Canceled, Failure{"canceled", step.ID, ""}
	default:
		end.Status, end.Output = Succeeded, outputs(items)
	}
	m.gather(step, &end)
	return end
}

// gather counts the items of a step with a `foreach`, and ends those inside it:
// a step inside a group that has items is what became of its items.
func (m *model) gather(step Step, end *End) {
	end.Items = m.count(step.ID)
	end.Items.Total = len(step.Foreach.Keys())
	for _, inner := range step.Steps {
		items := m.count(inner.ID)
		items.Total = end.Items.Total
		sum := m.sum(inner.ID, items, end.Status == Succeeded || end.Reason == ByTolerance)
		if sum.Status == "" {
			sum.Status = Succeeded
		}
		m.Steps[inner.ID] = sum
	}
}

// room is when fewer items than may be are under way, tried at every item's end.
func room(items []End, from time.Duration, parallel int) time.Duration {
	earliest := never
	for _, end := range append([]End{{At: from}}, items...) {
		at, underWay := max(from, end.At), 0
		for _, item := range items {
			if item.At > at {
				underWay++
			}
		}
		if underWay < parallel {
			earliest = min(earliest, at)
		}
	}
	return earliest
}

// spoiled counts the items that have failed uncovered by an instant, and those canceled.
func spoiled(items []End, by time.Duration) (failed, canceled int) {
	for _, item := range items {
		if item.At <= by {
			failed += btoi(item.failed())
			canceled += btoi(item.Status == Canceled)
		}
	}
	return failed, canceled
}

// firstFailed is the place of the item whose failure counts, and came first.
func firstFailed(items []End) int {
	first := -1
	for i, item := range items {
		if item.failed() && (first < 0 || item.At < items[first].At) {
			first = i
		}
	}
	return first
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
