package store

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/fairlead/fairlead/internal/job"
)

// MaxSnapshot is the most bytes of the variables of one run: they travel with its workflow.
const MaxSnapshot = 1 << 20

// Values reads variables; [Store] does.
type Values interface {
	Variables(ctx context.Context, team string, names []string) (map[string]json.RawMessage, error)
}

// Snapshot returns the values of the variables that a job names, as they are now: an
// object, or nil where it names none. CodeUnknownVariable: the team doesn't have all of
// them. CodeInvalidInput: they have more than [MaxSnapshot] bytes together.
func Snapshot(ctx context.Context, from Values, team string, names []string) (json.RawMessage, error) {
	if len(names) == 0 {
		return nil, nil
	}
	values, err := from.Variables(ctx, team, names)
	if err != nil {
		return nil, err
	}
	var missing []string
	for _, name := range names {
		if _, ok := values[name]; !ok {
			missing = append(missing, "`"+name+"`")
		}
	}
	if len(missing) > 0 {
		return nil, job.Errorf(job.CodeUnknownVariable,
			"the job names %s, which team %s doesn't have any more: set it, or publish the job without it", strings.Join(missing, ", "), team)
	}
	snapshot, err := json.Marshal(values)
	if err != nil {
		return nil, failed("encode variables", err)
	}
	if len(snapshot) > MaxSnapshot {
		return nil, job.Errorf(job.CodeInvalidInput,
			"the variables that the job names have %d bytes together, of at most %d: make them smaller, or name fewer", len(snapshot), MaxSnapshot)
	}
	return snapshot, nil
}
