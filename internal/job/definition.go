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
	// Timeout bounds a run, from its start.
	Timeout Duration `json:"timeout"`
	Steps   []Step   `json:"steps"`
	// Output is the template of the run's output; nil: it has none.
	Output json.RawMessage `json:"output,omitempty"`
	Notify []NotifyRule    `json:"notify,omitempty"`
}

// Step is one node of a job.
type Step struct {
	ID string `json:"id"`
	// Uses names the action.
	Uses string `json:"uses"`
	// With are the action's arguments, the job's defaults merged in, expressions not rendered; never nil.
	With json.RawMessage `json:"with"`
	// Needs are the steps that this one waits for, in the order of the file;
	// the step above it where the file says nothing.
	Needs []string `json:"needs"`
	// If is the condition as it was written; "": the step always runs.
	If string `json:"if,omitempty"`
	// Timeout bounds one attempt.
	Timeout Duration `json:"timeout"`
	Retry   Retry    `json:"retry"`
}

// Retry says how often a step is tried: Attempts times at most, the first
// included, with pauses of Initial, Initial×Factor, … up to Max.
type Retry struct {
	Attempts int      `json:"attempts"`
	Initial  Duration `json:"initial"`
	Factor   float64  `json:"factor"`
	Max      Duration `json:"max"`
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
