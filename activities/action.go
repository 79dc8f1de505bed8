package activities

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/fairlead/fairlead/internal/job"
)

// Run names one run wherever it is mentioned.
type Run struct {
	ID      string `json:"id"`
	Team    string `json:"team"`
	Job     string `json:"job"`
	Version int    `json:"version"`
	// CreatedAt is when the run was acknowledged; the date in its logs' keys.
	CreatedAt time.Time `json:"createdAt"`
	// Depth is how many runs started each other down to this one; 0 for a submitted run.
	Depth int `json:"depth,omitempty"`
	// By is who submitted the run, or the first of those that led to it.
	By string `json:"by,omitempty"`
}

// Step is the input of an action's activity.
type Step struct {
	Run  Run    `json:"run"`
	Step string `json:"step"`
	// With is the step's `with`, defaults merged in, its expressions not yet rendered.
	With json.RawMessage `json:"with"`
	// Scope holds the values that With refers to, and no others.
	Scope json.RawMessage `json:"scope"`
	// Token is the effect token (see [job.Token]).
	Token string `json:"token"`
	// Before is how many attempts earlier activities of this step have used up; they count on from there.
	Before int `json:"before,omitempty"`
	// Timeout bounds one attempt; the activity ends by itself, so that its log says why.
	Timeout time.Duration `json:"timeout"`
	// Item is the key of the `foreach` item, "" where there is none.
	Item string `json:"item,omitempty"`
	// Since is when the first attempt was asked for, where Retry or Poll bound the time from there.
	Since time.Time `json:"since,omitzero"`
	// RetryIf decides over `error` whether a failure is tried again, MaxElapsed how
	// late another attempt may begin; "" and 0 leave it to the failure and the attempts.
	RetryIf    string        `json:"retryIf,omitempty"`
	MaxElapsed time.Duration `json:"maxElapsed,omitempty"`
	// Poll calls again until the output says that it is done; nil calls once.
	Poll *job.Poll `json:"poll,omitempty"`
	// Attempts bounds the failed calls of a poll, whose activity has no bound of its own.
	Attempts int `json:"attempts,omitempty"`
	// Output is the template of the step's output over `output`; nil: what the action gave.
	Output json.RawMessage `json:"output,omitempty"`
	// TokenOf is the template that replaces Token; "": Token stands.
	TokenOf string `json:"tokenOf,omitempty"`
	// Callbacks are the steps that wait for a callback whose URLs With may name.
	Callbacks []string `json:"callbacks,omitempty"`
}

// StepResult is what an action's activity returns.
type StepResult struct {
	// Output is any JSON value.
	Output json.RawMessage `json:"output"`
	// Attempt counts from 1.
	Attempt int `json:"attempt"`
	Log     Log `json:"log"`
}

// CodeInterrupted is the failure of an attempt whose worker was told to stop: it
// is done again at once, elsewhere, and doesn't count.
const CodeInterrupted = "interrupted"

// CodeNotYet is the failure of a call whose poll goes on: it is made again, and
// spends no attempt.
const CodeNotYet = "not_yet"

// The failures that end a poll.
const (
	CodePollFailed  = "poll_failed"  // `failIf` was true
	CodePollTimeout = "poll_timeout" // `until` was false for too long
)

// Reserved reports whether a failure's code is one that no action may give: it
// tells the step's machinery to go on.
func Reserved(code string) bool { return code == CodeInterrupted || code == CodeNotYet }

// StepFailure is the detail of the application error that a failed attempt
// ends with; the error's type is the failure's code.
type StepFailure struct {
	Failure job.Failure `json:"failure"`
	Attempt int         `json:"attempt"`
	Log     Log         `json:"log"`
}

// Log names the log object of one execution of an attempt; the zero value: none was written.
type Log struct {
	Key     string `json:"key,omitempty"`
	Records int    `json:"records,omitempty"`
	SHA256  string `json:"sha256,omitempty"`
}

// Action is the code of one action: it makes one external call.
type Action interface {
	// Do makes the call and returns its output as JSON. An error that is a
	// [*Failed] says what went wrong in the job's words; any other is reported
	// as code "internal", not retryable. Do returns soon after ctx has ended.
	Do(ctx context.Context, call Call) (json.RawMessage, error)
}

// Call is one attempt of a step as its action sees it.
type Call struct {
	Run  Run
	Step string
	// Item is the key of the `foreach` item, "" where there is none.
	Item string
	// With is the step's `with`, rendered; it was checked against the action's input schema.
	With json.RawMessage
	// Template is the step's `with` before it was rendered: what of With isn't
	// literal in it may be a secret. nil: nothing is known to be literal.
	Template json.RawMessage
	// Token makes repeats of the call known to the provider.
	Token string
	// Attempt counts from 1.
	Attempt int
	// Log is the step's log.
	Log StepLog
}

// StepLog is where an action tells what it does. Attributes never hold a secret.
type StepLog interface {
	Log(level slog.Level, message string, attrs ...slog.Attr)
	// Mask replaces a secret wherever it would appear in a later record.
	Mask(secret string)
}

// Failed is the error of an action's call.
type Failed struct {
	job.Failure
	// RetryAfter is the least time until the next attempt, 0 for the step's own backoff.
	RetryAfter time.Duration
	Cause      error
}

// Error is the failure's code and message.
func (f *Failed) Error() string { return f.Code + ": " + f.Message }

// Unwrap returns the cause, or nil.
func (f *Failed) Unwrap() error { return f.Cause }
