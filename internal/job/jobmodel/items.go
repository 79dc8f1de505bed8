package jobmodel

import (
	"encoding/json"
	"strings"
)

// Output is what a call that succeeds gives, as JSON.
func Output(unit Unit) string {
	output, _ := json.Marshal(unit.Step + " " + unit.Item) // text always can be
	return string(output)
}

// Person is who decides.
const Person = "bob"

// outputs: "a list in order, null where an item failed". Items end in no order, but stand in theirs.
func outputs(items []End) string {
	list := make([]string, len(items))
	for i, item := range items {
		if list[i] = item.Output; item.Status != Succeeded {
			list[i] = "null"
		}
	}
	return "[" + strings.Join(list, ",") + "]"
}

// count counts a step's items as they stand.
func (m *model) count(step string) *Counts {
	counts := &Counts{}
	for unit, end := range m.Items {
		if unit.Step != step {
			continue
		}
		counts.Total++
		switch end.Status {
		case Succeeded, Compensated:
			counts.Succeeded++
		case Failed, TimedOut:
			counts.Failed++
		case Skipped, Canceled:
		}
	}
	return counts
}

// sum is the end of a step that was done for items alone: the worst of what
// became of them. A failure that the step or what is around it bears is tolerated.
func (m *model) sum(step string, counts *Counts, borne bool) End {
	var first End
	seen := map[Status]bool{}
	conditions, untolerated := false, false
	for unit, end := range m.Items {
		if unit.Step != step {
			continue
		}
		seen[end.Status] = true
		conditions = conditions || end.Reason == ByCondition
		untolerated = untolerated || end.failed()
		if (end.Status == Failed || end.Status == TimedOut) && (first.Status == "" || end.At < first.At) {
			first = end
		}
	}
	sum := End{Items: counts}
	switch {
	case counts.Failed > 0:
		sum.Status, sum.Failure = Failed, first.Failure
		if borne || !untolerated {
			sum.Reason = ByTolerance
		}
	case seen[Canceled]:
		sum.Status = Canceled
	case counts.Succeeded > 0:
		sum.Status = Succeeded
	case conditions:
		sum.Status, sum.Reason = Skipped, ByCondition
	case seen[Skipped]:
		sum.Status, sum.Reason = Skipped, ByUpstream
	}
	return sum
}
