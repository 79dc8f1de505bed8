package jobmodel

import "time"

// Answer is something that is sent to a run.
type Answer struct {
	Unit
	// At is counted from the run's start.
	At time.Duration
	// Callback says that it is one, otherwise it is a decision.
	Callback, Approved bool
	// Taken says that it is not refused; one that comes after the run's end is not even that.
	Taken bool
}

// answer files what is sent, and whether a step ends with it.
func (m *model) answer(a Answer, ends bool) {
	m.Answers = append(m.Answers, a)
	if !ends {
		m.sent = append(m.sent, a.At)
	}
}

// list notes when the items of a step are known, and of those inside it: nothing
// is taken for an item before.
func (m *model) list(step Step, at time.Duration) {
	m.listed[step.ID] = at
	for _, inner := range step.Steps {
		m.listed[inner.ID] = at
	}
}

// callBack files the callbacks of steps. "A callback may come before its step
// waits: it is kept"; one that comes when the wait or the run is over is not.
func (m *model) callBack(steps []Step, stop time.Duration) {
	for _, step := range steps {
		m.callBackInside(step, step, stop)
		for _, inner := range step.Steps {
			m.callBackInside(inner, step, stop)
		}
	}
}

// callBackInside files those of a step, which is or is inside another one.
func (m *model) callBackInside(step, around Step, stop time.Duration) {
	for unit, at := range m.script.Callbacks {
		if unit.Step != step.ID {
			continue
		}
		end, begun := m.Items[unit]
		switch {
		case unit.Item == "":
			end = m.Steps[unit.Step]
		case !begun:
			end = m.Steps[around.ID]
		}
		listed, ok := m.listed[step.ID]
		known := unit.Item == "" || ok && at >= listed
		ends := end.Status == Succeeded && end.At == at
		m.answer(Answer{Unit: unit, At: at, Callback: true, Taken: ends || known && at < min(end.At, stop)}, ends)
	}
}
