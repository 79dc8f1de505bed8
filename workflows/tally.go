package workflows

import (
	"time"

	"github.com/fairlead/fairlead/internal/job"
)

// tally counts how the items of a step ended.
type tally struct {
	succeeded, failed, canceled, condition, upstream, compensated int
	// uncovered are those of the failed that the step's own `continueOnError` doesn't cover.
	uncovered int
	// first is the failure of the item that failed first.
	first *job.Failure
}

func (t *tally) add(res result) {
	switch {
	case res.status == job.StatusSucceeded:
		t.succeeded++
	case res.failed():
		t.failed++
		if res.reason != job.ReasonTolerated {
			t.uncovered++
		}
		if t.first == nil {
			t.first = res.failure
		}
	case res.status == job.StatusCanceled:
		t.canceled++
	case res.reason == job.ReasonCondition:
		t.condition++
	default:
		t.upstream++
	}
}

// result is the end of a step that was only run for items, from how those and
// the step around them ended.
func (t *tally) result(around result) result {
	switch {
	case t.failed > 0:
		res := result{status: job.StatusFailed, failure: t.first}
		if t.uncovered == 0 || around.status == job.StatusSucceeded || around.reason == job.ReasonTolerated {
			res.reason = job.ReasonTolerated
		}
		return res
	case t.canceled > 0:
		return result{status: job.StatusCanceled}
	case t.succeeded > 0:
		return result{status: job.StatusSucceeded}
	case t.condition > 0:
		return result{status: job.StatusSkipped, reason: job.ReasonCondition}
	case t.upstream > 0:
		return result{status: job.StatusSkipped, reason: job.ReasonUpstream}
	}
	return neverRan(around)
}

// neverRan is the end of a step in a group, from that of the group, when it was run for nothing.
func neverRan(group result) result {
	switch group.status {
	case job.StatusCanceled:
		return result{status: job.StatusCanceled}
	case job.StatusSkipped:
		return result{status: job.StatusSkipped, reason: group.reason}
	case job.StatusSucceeded: // there were no items
		return result{status: job.StatusSucceeded}
	default:
		return result{status: job.StatusSkipped, reason: job.ReasonUpstream}
	}
}

// endInner ends those of a group's steps that have not ended for themselves.
func (rs *rows) endInner(group string, res result, now time.Time) {
	for _, row := range rs.steps[group].inner {
		if !row.Status.Ended() {
			rs.end(place{step: row.ID}, row.tally.result(res), now)
		}
	}
}

// endCompensation ends the row of a step's compensation that was done for items.
func (rs *rows) endCompensation(step string, now time.Time) {
	id := job.CompensationOf(step)
	if row := rs.steps[id]; row != nil && !row.Status.Ended() {
		rs.end(place{step: id}, row.tally.result(result{status: job.StatusCanceled}), now)
	}
}

// compensated notes that a pass was undone, and returns the step's status then:
// it is compensated once every item of it is that had succeeded.
func (rs *rows) compensated(at place) job.Status {
	row := rs.steps[at.step]
	if at.item {
		item := rs.item(at)
		if item.Status != job.StatusSucceeded { // its output had no room: it failed, and what it did is undone all the same
			return row.Status
		}
		item.Status = job.StatusCompensated
		row.tally.compensated++
		if row.tally.compensated < row.tally.succeeded {
			return row.Status
		}
	}
	if row.Status == job.StatusSucceeded {
		rs.change(row)
		row.Status = job.StatusCompensated
	}
	return row.Status
}
