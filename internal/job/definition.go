package job

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// APIVersion is the one version of the job language.
const APIVersion = "fairlead/v1"

// The defaults of a job file.
const (
	// DefaultRunTimeout bounds a run.
	DefaultRunTimeout = Duration(24 * time.Hour)
	// DefaultStepTimeout bounds one attempt of a step.
	DefaultStepTimeout = Duration(10 * time.Minute)
	// DefaultCleanupTimeout bounds compensations and `finally`.
	DefaultCleanupTimeout = Duration(15 * time.Minute)
	// DefaultPollTimeout bounds a poll as a whole.
	DefaultPollTimeout = Duration(time.Hour)
	// DefaultCallbackTimeout bounds the wait for a callback.
	DefaultCallbackTimeout = Duration(24 * time.Hour)
	// DefaultApprovalTimeout bounds the wait for a decision.
	DefaultApprovalTimeout = Duration(7 * 24 * time.Hour)
	// DefaultParallel is how many items of a `foreach` are under way at once.
	DefaultParallel = 10
	// MaxItems is the most items a `foreach` takes.
	MaxItems = 1000
)

// DefaultRetry is the retry of a step that says nothing else.
func DefaultRetry() Retry {
	return Retry{Attempts: 3, Initial: Duration(time.Second), Factor: 2, Max: Duration(time.Minute)}
}

// Definition is a job as it runs: every default applied.
type Definition struct {
	APIVersion  string            `json:"apiVersion"`
	Name        string            `json:"name"`
	Description string            `json:"description,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	// Input is the JSON Schema of a run's input as it was written; nil: the job takes none.
	Input json.RawMessage `json:"input,omitempty"`
	// Priority is that of its runs: 1 (first) to 5 (last); 0: 3.
	Priority int `json:"priority,omitempty"`
	// Timeout bounds a run, from its start, without the time that a person was waited for.
	Timeout Duration `json:"timeout"`
	// CleanupTimeout bounds all compensations and Finally together.
	CleanupTimeout Duration `json:"cleanupTimeout"`
	Steps          []Step   `json:"steps"`
	// Finally are run one after the other at the end, whatever it is.
	Finally []Step `json:"finally,omitempty"`
	// Output is the template of the run's output; nil: it has none.
	Output json.RawMessage `json:"output,omitempty"`
	Notify []NotifyRule    `json:"notify,omitempty"`
}

// Step is one node of a job: it has one of Uses, Wait, Approval and Steps.
type Step struct {
	// ID names the step in the whole file.
	ID string `json:"id"`
	// Uses names the action.
	Uses string `json:"uses,omitempty"`
	// With are the action's arguments, the job's defaults merged in, expressions
	// not rendered; nil without an action.
	With     json.RawMessage `json:"with,omitempty"`
	Wait     *Wait           `json:"wait,omitempty"`
	Approval *Approval       `json:"approval,omitempty"`
	// Steps make it a group: a graph of its own, once for every item.
	Steps []Step `json:"steps,omitempty"`
	// Needs are the steps that this one waits for, in the order of the file;
	// the step above it where the file says nothing.
	Needs []string `json:"needs"`
	// If is the condition as it was written; "": the step always runs.
	If      string   `json:"if,omitempty"`
	Foreach *Foreach `json:"foreach,omitempty"`
	// ContinueOnError is "true", an expression over `error`, or "": it doesn't.
	ContinueOnError string `json:"continueOnError,omitempty"`
	// Timeout bounds one attempt of an action, of one item. For a group and for
	// job.run it bounds one pass of it, and 0 is no bound.
	Timeout Duration `json:"timeout,omitempty"`
	Retry   Retry    `json:"retry"`
	Poll    *Poll    `json:"poll,omitempty"`
	// Output is the template of the step's output; nil: what the action gave.
	Output     json.RawMessage `json:"output,omitempty"`
	Compensate *Compensate     `json:"compensate,omitempty"`
	// Token is the template that replaces the effect token; "": the usual one.
	Token string `json:"token,omitempty"`
}

// waitsForCallback reports whether the step ends with a POST to its signed URL.
func (s *Step) waitsForCallback() bool { return s.Wait != nil && s.Wait.Callback != nil }

// Foreach does a step once for every item of a list.
type Foreach struct {
	// In is the template of the list.
	In json.RawMessage `json:"in"`
	// As names the item in expressions.
	As string `json:"as"`
	// Key is the template of an item's key; "": its index.
	Key string `json:"key,omitempty"`
	// Parallel is how many items are under way at once.
	Parallel int `json:"parallel"`
	// Tolerate is how many items may fail.
	Tolerate Tolerance `json:"tolerate,omitzero"`
}

// Tolerance is a number of items, or a share of all of them in percent; the zero value is none.
type Tolerance struct {
	Items   int `json:"items,omitempty"`
	Percent int `json:"percent,omitempty"`
}

// Wait is what a step waits for: one of a length of time, an instant, and a callback.
type Wait struct {
	For Duration `json:"for,omitempty"`
	// Until is one expression that gives a time.
	Until    string        `json:"until,omitempty"`
	Callback *CallbackWait `json:"callback,omitempty"`
}

// CallbackWait waits for a POST to the step's signed URL.
type CallbackWait struct {
	Timeout Duration `json:"timeout"`
}

// What becomes of an approval that nobody decides in time.
const (
	OnTimeoutApprove = "approve"
	OnTimeoutReject  = "reject"
	OnTimeoutFail    = "fail"
)

// Approval waits for a person's decision.
type Approval struct {
	// By are those who may decide: "group:NAME" and "user:NAME"; none: everybody with the role.
	By []string `json:"by,omitempty"`
	// Message is a template of text.
	Message   string   `json:"message,omitempty"`
	Timeout   Duration `json:"timeout"`
	OnTimeout string   `json:"onTimeout"`
	// NotSubmitter bars the one who submitted the run.
	NotSubmitter bool `json:"notSubmitter,omitempty"`
}

// Poll calls an action again until its output says that it is done.
type Poll struct {
	Every Duration `json:"every"`
	// Until and FailIf are conditions over `output`; FailIf "" never fails.
	Until   string   `json:"until"`
	FailIf  string   `json:"failIf,omitempty"`
	Timeout Duration `json:"timeout"`
}

// Compensate is the call that undoes a step that has succeeded.
type Compensate struct {
	Uses    string          `json:"uses"`
	With    json.RawMessage `json:"with"`
	Timeout Duration        `json:"timeout"`
	Retry   Retry           `json:"retry"`
}

// CompensationOf is the ID of a step's compensation in rows, logs and tokens.
// No step in a file can have it.
func CompensationOf(step string) string { return step + ".compensate" }

// Retry says how often a step is tried: Attempts times at most, the first
// included, with pauses of Initial, Initial×Factor, … up to Max.
type Retry struct {
	Attempts int      `json:"attempts"`
	Initial  Duration `json:"initial"`
	Factor   float64  `json:"factor"`
	Max      Duration `json:"max"`
	// MaxElapsed is how long after the first attempt the last may begin; 0 is no bound.
	MaxElapsed Duration `json:"maxElapsed,omitempty"`
	// If is the condition over `error`; "": the error says itself whether another attempt may help.
	If string `json:"if,omitempty"`
}

// Severity is how loud a notification is.
type Severity string

// The severities; normal is the default.
const (
	SeverityLow    Severity = "low"
	SeverityNormal Severity = "normal"
	SeverityHigh   Severity = "high"
)

// The events of a run that a rule may name. EventFailed covers a run that timed
// out; EventRecovered is the first success after a failure.
const (
	EventFailed    = "failed"
	EventSucceeded = "succeeded"
	EventRecovered = "recovered"
)

// NotifyRule says who is told of which events.
type NotifyRule struct {
	Events []string `json:"events"`
	// To are targets such as "email:ana@example.com".
	To       []string `json:"to"`
	Severity Severity `json:"severity"`
}

// Duration is a length of time that is text in JSON: "1h30m".
type Duration time.Duration

// Std returns the duration as the standard library's.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// String is the shortest text that [ParseDuration] reads back: "10m", not "10m0s".
func (d Duration) String() string {
	text := time.Duration(d).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// MarshalText is [Duration.String].
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText is [ParseDuration].
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := ParseDuration(string(text))
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}

// maxDuration is the longest that a job file may say: a year.
const maxDuration = Duration(366 * 24 * time.Hour)

// ParseDuration reads a duration of a job file: numbers with the units ms, s, m
// and h. It is at least 1 ms and at most 366 days.
func ParseDuration(text string) (Duration, error) {
	parsed, err := time.ParseDuration(text)
	d := Duration(parsed)
	switch {
	case err != nil:
		return 0, fmt.Errorf("%s is no duration; write one such as 500ms, 30s, 10m or 1h30m", quote(text))
	case d < Duration(time.Millisecond):
		return 0, fmt.Errorf("%s is too short; the least is 1ms", quote(text))
	case d > maxDuration:
		return 0, fmt.Errorf("%s is too long; the most is 8784h (366 days)", quote(text))
	}
	return d, nil
}
