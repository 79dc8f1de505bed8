// Package fail is the action `fail`: its step ends failed, on purpose.
package fail

import (
	"context"
	"encoding/json"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/internal/job"
)

// Action fails with what its `with` says.
type Action struct{}

// input is the action's `with`; schema/actions/fail.json has its contract.
type input struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Do implements [activities.Action]: it never succeeds, and another attempt would not help.
func (Action) Do(_ context.Context, call activities.Call) (json.RawMessage, error) {
	var in input
	if err := json.Unmarshal(call.With, &in); err != nil {
		return nil, err
	}
	if activities.Reserved(in.Code) {
		return nil, &activities.Failed{Failure: job.Failure{
			Code: "invalid_with", Message: "`code`: " + in.Code + " means something to Fairlead itself: take another word",
		}}
	}
	return nil, &activities.Failed{Failure: job.Failure{Code: in.Code, Message: in.Message}}
}
