package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/fairlead/fairlead/gateway/api"
	"github.com/fairlead/fairlead/internal/callback"
	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/job/expr"
	"github.com/fairlead/fairlead/workflows"
)

// maxCalling is how many callbacks are under way at once: their callers have no
// token that could be revoked, and whatever they send reaches a workflow.
const maxCalling = 64

// PostCallback brings a run what it waits for. The signed token is the caller's authority.
func (s *server) PostCallback(ctx context.Context, request api.PostCallbackRequestObject) (api.PostCallbackResponseObject, error) {
	forged := job.Errorf(job.CodeNotFound, "nobody waits for this callback: its URL is none of this service's, or was changed")
	if len(s.CallbackKey) == 0 {
		return nil, forged
	}
	wait, err := callback.Parse(s.CallbackKey, request.Token)
	if err != nil {
		return nil, forged
	}
	body, err := callbackBody(request.Body)
	if err != nil {
		return nil, err
	}
	select {
	case s.calling <- struct{}{}:
		defer func() { <-s.calling }()
	default:
		return nil, job.Errorf(job.CodeUnavailable, "too many callbacks come at once: try again")
	}
	state, err := s.Runs.RunState(ctx, wait.Run)
	switch {
	case job.CodeOf(err) == job.CodeNotFound:
		return nil, job.Errorf(job.CodeGone, "the run is not kept any more")
	case err != nil:
		return nil, err
	case state.Team != wait.Team:
		return nil, forged
	}
	// Also where the run has ended: Temporal knows what was taken before, for who sends it again.
	err = s.Workflows.Callback(ctx, wait.Team, wait.Run, workflows.Callback{Step: wait.Step, Item: wait.Item, Body: body})
	if err != nil && state.Status.Ended() && job.CodeOf(err) == job.CodeGone {
		err = job.Wrap(job.CodeGone, err, "the run has ended")
	}
	if err != nil {
		return nil, err
	}
	return api.PostCallback202Response{}, nil
}

// callbackBody is a callback's body in one form, however it was written, so that
// the same is known again. CodeMalformed: there is none, so that no probe of the
// URL ends a wait, or the run couldn't read it.
func callbackBody(body *api.Value) (json.RawMessage, error) {
	if body == nil || len(*body) == 0 {
		return nil, job.Errorf(job.CodeMalformed, "a callback has a JSON body; post null where there is nothing to say")
	}
	if err := checkValue(*body); err != nil {
		return nil, err
	}
	value, _, err := decodeStrictly(*body)
	if err != nil {
		return nil, err
	}
	var canonical bytes.Buffer
	encoder := json.NewEncoder(&canonical) // keys come sorted, numbers as they were written
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, fmt.Errorf("encode a callback: %w", err)
	}
	return bytes.TrimSpace(canonical.Bytes()), nil
}

// checkValue is CodeMalformed for a value that no expression could read.
func checkValue(raw json.RawMessage) error {
	if _, err := expr.Decode(raw); err != nil {
		return job.Wrap(job.CodeMalformed, err, "the body has a value that jobs can't read: "+err.Error())
	}
	return nil
}
