package notify

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	htmltemplate "html/template"
	"strings"
	texttemplate "text/template"
	"time"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/internal/job"
)

//go:embed templates/*.tmpl
var files embed.FS

const (
	// maxCause and maxSubject bound, in characters, what a mail says of a failure and its whole subject.
	maxCause   = 500
	maxSubject = 180
)

// Message is a delivery's payload: an e-mail, but for its sender.
type Message struct {
	To      string `json:"to"`
	Subject string `json:"subject"`
	Text    string `json:"text"`
	HTML    string `json:"html"`
	// Headers are printable ASCII, as SES wants them.
	Headers map[string]string `json:"headers,omitempty"`
}

// facts are what the templates know. Every text in it is one line.
type facts struct {
	Event, Heading   string
	Job, Team, Run   string
	Version          int
	Step, Cause      string
	Cleanup          string // "" unless it failed
	Previous         string
	Started          string
	Duration         string
	Severity         string
	Link             string
	Failed, TimedOut bool
}

// render makes the payload of a delivery.
func (n *Notifier) render(ending activities.Ending, event string, severity job.Severity, previous, to string) ([]byte, error) {
	if severity == "" {
		severity = job.SeverityNormal
	}
	f := newFacts(ending, event, severity, previous, n.base)
	text, err := texttemplate.ParseFS(files, "templates/text.tmpl")
	if err != nil {
		return nil, fmt.Errorf("the text template: %w", err)
	}
	html, err := htmltemplate.ParseFS(files, "templates/html.tmpl")
	if err != nil {
		return nil, fmt.Errorf("the HTML template: %w", err)
	}
	var textBody, htmlBody bytes.Buffer
	if err := text.Execute(&textBody, f); err != nil {
		return nil, fmt.Errorf("render the text: %w", err)
	}
	if err := html.Execute(&htmlBody, f); err != nil {
		return nil, fmt.Errorf("render the HTML: %w", err)
	}
	return json.Marshal(Message{
		To: to, Subject: f.subject(), Text: textBody.String(), HTML: htmlBody.String(),
		Headers: headers(severity),
	})
}

func newFacts(ending activities.Ending, event string, severity job.Severity, previous, base string) facts {
	f := facts{
		Event: event, Job: ending.Run.Job, Team: ending.Run.Team, Run: ending.Run.ID, Version: ending.Run.Version,
		Previous: previous, Severity: string(severity), Link: base + "/v1/runs/" + ending.Run.ID,
		Started: "never", Duration: "-",
		Failed: event == job.EventFailed, TimedOut: ending.Status == job.StatusTimedOut,
	}
	if !ending.StartedAt.IsZero() {
		f.Started = ending.StartedAt.UTC().Format("2006-01-02 15:04:05 UTC")
		f.Duration = duration(ending.EndedAt.Sub(ending.StartedAt))
	}
	if ending.Error != nil {
		f.Step = activities.OneLine(ending.Error.Step, maxCause)
		f.Cause = activities.OneLine(ending.Error.Message, maxCause)
		if code := activities.OneLine(ending.Error.Code, maxCause); f.Cause == "" {
			f.Cause = code
		}
	}
	if ending.Cleanup == job.StatusFailed {
		f.Cleanup = "failed: something may be left to undo by hand; the run's steps say what"
	}
	if f.Failed && f.Cause == "" {
		f.Cause = "no cause was recorded"
	}
	f.Heading = f.heading()
	return f
}

// heading is what happened, in half a sentence.
func (f facts) heading() string {
	switch {
	case f.TimedOut:
		return f.Job + " timed out"
	case f.Event == job.EventRecovered:
		return f.Job + " succeeded again"
	default:
		return f.Job + " " + f.Event
	}
}

// subject is "[event] job: …", one line whatever the cause holds.
func (f facts) subject() string {
	what := "run " + f.Run + " took " + f.Duration
	switch {
	case f.Failed && f.Step != "":
		what = "step " + f.Step + ": " + f.Cause
	case f.Failed:
		what = f.Cause
	case f.Event == job.EventRecovered:
		what = "succeeded after " + f.Previous + " had failed"
	}
	return activities.OneLine("["+f.Event+"] "+f.Job+": "+what, maxSubject)
}

// headers tell a mail program how loud the message is, and others that a machine wrote it (RFC 3834).
func headers(severity job.Severity) map[string]string {
	set := map[string]string{"X-Fairlead-Severity": string(severity), "Auto-Submitted": "auto-generated"}
	switch severity {
	case job.SeverityHigh:
		set["Importance"], set["X-Priority"] = "high", "1"
	case job.SeverityLow:
		set["Importance"], set["X-Priority"] = "low", "5"
	case job.SeverityNormal:
	}
	return set
}

// duration is short: "1h2m3s", and milliseconds below a second only.
func duration(d time.Duration) string {
	switch d = max(d, 0); {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	default:
		return d.Round(time.Second).String()
	}
}

func decodeMessage(payload []byte) (Message, error) {
	var message Message
	if err := json.Unmarshal(payload, &message); err != nil {
		return Message{}, job.Wrap(job.CodeMalformed, err, "the delivery's payload is no e-mail")
	}
	return message, nil
}

func trimSlash(url string) string { return strings.TrimRight(url, "/") }
