package gateway

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/fairlead/fairlead/gateway/api"
	"github.com/fairlead/fairlead/gateway/auth"
	"github.com/fairlead/fairlead/gateway/contract"
	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/store"
)

const (
	// triggerAPI is the kind of trigger of a submit.
	triggerAPI = "api"
	// maxWait is the longest that an answer waits for a run's end.
	maxWait = 60 * time.Second
	// maxLabelKey is the most characters of a label's key.
	maxLabelKey = 63
)

// SubmitRun keeps a run: from then on it will run, and once.
func (s *server) SubmitRun(ctx context.Context, request api.SubmitRunRequestObject) (api.SubmitRunResponseObject, error) {
	submit := api.Submit{}
	if request.Body != nil {
		submit = *request.Body
	}
	if err := checkLabels(submit.Labels); err != nil {
		return nil, err
	}
	run, err := s.submit(ctx, request, submit)
	if err != nil {
		return nil, err
	}
	wait := preferredWait(value(request.Params.Prefer))
	return acknowledgement(s.await(ctx, run, wait), wait), nil
}

// submit returns the run of the request's key, or a new one.
func (s *server) submit(ctx context.Context, request api.SubmitRunRequestObject, submit api.Submit) (store.Run, error) {
	key := value(request.Params.IdempotencyKey)
	if strings.HasPrefix(key, store.ChildKeys) {
		return store.Run{}, malformed([]job.Field{{Pointer: "/header/Idempotency-Key", Message: "keys that begin with `" + store.ChildKeys + "` are those of runs that runs start; choose another one"}})
	}
	hash, err := requestHash(request.Team, request.Job, submit)
	if err != nil {
		return store.Run{}, err
	}
	if key != "" { // asked first: what was acknowledged stays so, whatever was published since
		run, err := s.Runs.Submitted(ctx, request.Team, key, hash)
		if job.CodeOf(err) != job.CodeNotFound {
			return run, err
		}
	}
	version, err := s.Jobs.Job(ctx, request.Team, request.Job, int(submit.Version))
	if err != nil {
		return store.Run{}, err
	}
	program, err := s.program(version)
	if err != nil {
		return store.Run{}, err
	}
	input, err := checkInput(program, submit.Input)
	if err != nil {
		return store.Run{}, err
	}
	vars, err := store.Snapshot(ctx, s.Variables, request.Team, program.Variables())
	if err != nil {
		return store.Run{}, err
	}
	id, err := job.NewRunID()
	if err != nil {
		return store.Run{}, err
	}
	run, created, err := s.Runs.Submit(ctx, store.NewRun{
		ID: id, Team: request.Team, Job: request.Job, Version: version.Version, Input: input, Vars: vars,
		Trigger: store.Trigger{Kind: triggerAPI, By: auth.From(ctx).Subject},
		Labels:  runLabels(version.Labels, submit.Labels), Priority: cmp.Or(int(submit.Priority), program.Definition.Priority),
		IdempotencyKey: key, RequestHash: hash,
	})
	if err == nil && created {
		s.start(ctx, run)
	}
	return run, err
}

// runLabels are the job's labels and the submit's own, which win.
func runLabels(ofJob, own map[string]string) map[string]string {
	all := maps.Clone(ofJob)
	if all == nil {
		return own
	}
	maps.Copy(all, own)
	return all
}

// checkInput returns the input with its defaults; the pointers of its problems begin in the body.
func checkInput(program *job.Program, input json.RawMessage) (json.RawMessage, error) {
	complete, err := program.CheckInput(input)
	if invalid := new(job.Error); errors.As(err, &invalid) && len(invalid.Fields) > 0 {
		fields := make([]job.Field, len(invalid.Fields))
		for i, field := range invalid.Fields {
			field.Pointer = "/input" + field.Pointer
			fields[i] = field
		}
		return nil, &job.Error{Code: invalid.Code, Message: summary("the input", fields), Fields: fields}
	}
	return complete, err
}

// start starts the run's workflow. The run is acknowledged whatever comes of
// it: what doesn't start now is started by the sweep.
func (s *server) start(ctx context.Context, run store.Run) {
	err := s.Starter.Start(ctx, run)
	if err == nil || errors.Is(err, errAway) { // one line is enough for that, and not one for every run
		return
	}
	s.Log.WarnContext(ctx, "the run is kept and starts later", "team", run.Team, "job", run.Job, "run", run.ID, "error", err)
}

// requestHash is the same for requests that mean the same.
func requestHash(team, name string, submit api.Submit) (string, error) {
	var input any
	if len(submit.Input) > 0 {
		decoded, _, err := decodeStrictly(submit.Input)
		if err != nil {
			return "", err
		}
		input = decoded
	}
	canonical, err := json.Marshal(map[string]any{ // keys come sorted
		"team": team, "job": name, "input": input, "version": submit.Version, "labels": submit.Labels, "priority": submit.Priority,
	})
	if err != nil {
		return "", fmt.Errorf("encode the request: %w", err)
	}
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:]), nil
}

func checkLabels(found api.Labels) error {
	var fields []job.Field
	for key := range found {
		if key == "" || len([]rune(key)) > maxLabelKey || strings.Contains(key, "=") {
			fields = append(fields, job.Field{Pointer: "/labels", Message: fmt.Sprintf("the label's key `%s` must have 1 to %d characters, and no =", contract.Shorten(key), maxLabelKey)})
		}
	}
	if len(fields) == 0 {
		return nil
	}
	return &job.Error{Code: job.CodeInvalidInput, Message: summary("the body", fields), Fields: fields}
}

// preferredWait is the `wait` of a Prefer header (RFC 7240), at most maxWait; 0
// without one. What can't be read is ignored, as that RFC says.
func preferredWait(prefer string) time.Duration {
	for preference := range strings.SplitSeq(prefer, ",") {
		name, seconds, _ := strings.Cut(strings.TrimSpace(preference), "=")
		if !strings.EqualFold(strings.TrimSpace(name), "wait") {
			continue
		}
		n, err := strconv.Atoi(strings.Trim(strings.TrimSpace(seconds), `"`))
		if err != nil || n <= 0 {
			return 0
		}
		return min(maxWait, time.Duration(min(n, int(maxWait/time.Second)))*time.Second)
	}
	return 0
}

// acknowledgement answers a submit.
func acknowledgement(run store.Run, wait time.Duration) api.SubmitRunResponseObject {
	location := "/v1/runs/" + run.ID
	var applied *string
	if wait > 0 {
		text := fmt.Sprintf("wait=%d", int(wait/time.Second))
		applied = &text
	}
	if wait > 0 && run.Status.Ended() {
		return api.SubmitRun200JSONResponse{
			Body: toRun(run), Headers: api.SubmitRun200ResponseHeaders{Location: &location, PreferenceApplied: applied},
		}
	}
	return api.SubmitRun202JSONResponse{
		Body: toRun(run), Headers: api.SubmitRun202ResponseHeaders{Location: &location, PreferenceApplied: applied},
	}
}

// program opens a published definition.
func (s *server) program(version store.Job) (*job.Program, error) {
	program, err := s.programs.Open(version.Canonical)
	if err != nil {
		// It was checked when it was published: that it can't be opened now is no caller's fault.
		return nil, job.Wrap(job.CodeInternal, err, "a published definition can't be opened")
	}
	return program, nil
}
