package workflows

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/internal/job"
)

// rows are the states of a run's steps, items and approvals as they are
// recorded, and which of them changed since the last record.
type rows struct {
	steps map[string]*stepRow
	// places is how many steps the file has.
	places    int
	items     map[address]*itemRow
	approvals map[address]activities.ApprovalRecord

	changedSteps     []*stepRow
	changedItems     []*itemRow
	changedApprovals []address
}

// stepRow is a step's state.
type stepRow struct {
	activities.StepRecord
	changed bool
	// undone: the step may be undone, and is then recorded again.
	undone bool
	tally  tally
	// inner are the rows of a group's steps.
	inner []*stepRow
}

// itemRow is the state of one item of a step.
type itemRow struct {
	activities.ItemRecord
	changed bool
}

func newRows(def *job.Definition) rows {
	rs := rows{
		steps: make(map[string]*stepRow, len(def.Steps)+len(def.Finally)),
		items: map[address]*itemRow{}, approvals: map[address]activities.ApprovalRecord{},
	}
	rs.add(def.Steps, false)
	rs.add(def.Finally, false)
	rs.places = len(rs.steps)
	return rs
}

// add adds rows in the order of the file, a group's before those of its steps.
func (rs *rows) add(steps []job.Step, repeated bool) (added []*stepRow) {
	for i := range steps {
		step := &steps[i]
		repeats := repeated || step.Foreach != nil
		row := rs.addRow(step.ID, len(rs.steps), repeats)
		row.undone = step.Compensate != nil
		row.inner = rs.add(step.Steps, repeats)
		added = append(added, row)
	}
	return added
}

func (rs *rows) addRow(id string, position int, repeats bool) *stepRow {
	row := &stepRow{StepRecord: activities.StepRecord{ID: id, Position: position, Status: job.StatusPending}}
	if repeats {
		row.Items = &activities.ItemCounts{}
	}
	rs.steps[id] = row
	rs.change(row)
	return row
}

// change notes that a row goes into the next record.
func (rs *rows) change(row *stepRow) {
	if !row.changed {
		row.changed = true
		rs.changedSteps = append(rs.changedSteps, row)
	}
}

// item is an item's row, which goes into the next record. A step has one row for a key.
func (rs *rows) item(at place) *itemRow {
	to := address{step: at.step, item: at.key}
	row := rs.items[to]
	if row == nil {
		row = &itemRow{ItemRecord: activities.ItemRecord{Step: at.step, Key: at.key, Index: at.index, Status: job.StatusPending}}
		rs.items[to] = row
	}
	if !row.changed {
		row.changed = true
		rs.changedItems = append(rs.changedItems, row)
	}
	return row
}

// changed reports whether there is something to record.
func (rs *rows) changed() bool {
	return len(rs.changedSteps) > 0 || len(rs.changedItems) > 0 || len(rs.changedApprovals) > 0
}

// fill puts what changed into a record, and as many items as may be in one.
func (rs *rows) fill(record *activities.RunRecord) {
	record.Steps = slices.Grow(record.Steps, len(rs.changedSteps))
	for _, row := range rs.changedSteps {
		state := row.StepRecord
		if row.Items != nil {
			counts := *row.Items
			state.Items = &counts // the record is written beside the run
		}
		record.Steps = append(record.Steps, state)
		row.changed = false
		if !row.undone {
			row.Output = nil // a step that has one has ended: it is not recorded again
		}
	}
	n := min(len(rs.changedItems), maxRecordItems)
	for _, row := range rs.changedItems[:n] {
		record.Items = append(record.Items, row.ItemRecord)
		row.changed = false
	}
	for _, to := range rs.changedApprovals {
		record.Approvals = append(record.Approvals, rs.approvals[to])
	}
	rs.changedSteps, rs.changedItems, rs.changedApprovals = nil, rs.changedItems[n:], nil
}

// begin notes that a step or an item has begun.
func (rs *rows) begin(at place, status job.Status, attempts int, now time.Time) {
	row := rs.steps[at.step]
	if !at.item {
		rs.change(row)
		row.Status, row.Attempts, row.StartedAt = status, attempts, now.UTC()
		return
	}
	if row.Status == job.StatusPending {
		rs.change(row)
		row.Status, row.StartedAt = job.StatusRunning, now.UTC()
	}
	item := rs.item(at)
	item.Status, item.Attempts, item.StartedAt = status, attempts, now.UTC()
}

// end notes the end of a step or an item.
func (rs *rows) end(at place, res result, now time.Time) {
	row := rs.steps[at.step]
	rs.change(row)
	if !at.item {
		row.Status, row.Reason, row.Error, row.EndedAt = res.status, res.reason, res.failure, now.UTC()
		return
	}
	item := rs.item(at)
	item.Status, item.Reason, item.Error, item.EndedAt = res.status, res.reason, res.failure, now.UTC()
	row.tally.add(res)
	row.Items.Succeeded, row.Items.Failed = row.tally.succeeded, row.tally.failed
}

// attempt notes which attempt was the last of a step or an item, and its log. The end follows.
func (rs *rows) attempt(at place, attempt int, log activities.Log) {
	if !at.item {
		rs.steps[at.step].Attempts, rs.steps[at.step].Log = attempt, log
		return
	}
	item := rs.item(at)
	item.Attempts, item.Log = attempt, log
}

// output notes a step's output. The step's end follows.
func (rs *rows) output(id string, output json.RawMessage) { rs.steps[id].Output = output }

// total notes that a step is run for that many items, and so is each step in it.
func (rs *rows) total(id string, items int) {
	row := rs.steps[id]
	rs.change(row)
	row.Items.Total = items
	for _, inner := range row.inner {
		rs.change(inner)
		inner.Items.Total = items
	}
}

// approval notes the state of an approval.
func (rs *rows) approval(record activities.ApprovalRecord) {
	to := address{step: record.Step, item: record.Item}
	if !slices.Contains(rs.changedApprovals, to) {
		rs.changedApprovals = append(rs.changedApprovals, to)
	}
	rs.approvals[to] = record
}

// compensation adds the row of a step's compensation, which is done that many times.
func (rs *rows) compensation(of place, times int) {
	id := job.CompensationOf(of.step)
	if rs.steps[id] != nil {
		return
	}
	row := rs.addRow(id, rs.places+rs.steps[of.step].Position, of.item)
	if of.item {
		row.Items.Total = times
	}
}
