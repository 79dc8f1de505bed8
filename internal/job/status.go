package job

// Status is the state of a run or of a step.
type Status string

// Statuses. A run goes queued → running ⇄ waiting → one of the ends; a step
// starts pending.
const (
	StatusPending   Status = "pending"
	StatusQueued    Status = "queued"
	StatusRunning   Status = "running"
	StatusSucceeded Status = "succeeded"
	StatusFailed    Status = "failed"
	StatusCanceled  Status = "canceled"
	StatusTimedOut  Status = "timed_out"
	StatusSkipped   Status = "skipped"
	// StatusWaiting is a step that waits for a time, a person or a callback, and a
	// run nothing of which does anything else.
	StatusWaiting Status = "waiting"
	// StatusCompensated is a step or an item that had succeeded, and was undone.
	StatusCompensated Status = "compensated"
)

// Ended reports whether the status is an end: nothing leaves it.
func (s Status) Ended() bool {
	switch s {
	case StatusSucceeded, StatusFailed, StatusCanceled, StatusTimedOut, StatusSkipped, StatusCompensated:
		return true
	case StatusPending, StatusQueued, StatusRunning, StatusWaiting:
	}
	return false
}

// Reason says what its status alone doesn't say of a step; "" where there is nothing.
type Reason string

// The reasons.
const (
	// ReasonCondition: skipped, since its own `if` was false.
	ReasonCondition Reason = "condition"
	// ReasonUpstream: skipped, since a step that it needs can't be satisfied any more.
	ReasonUpstream Reason = "upstream"
	// ReasonTolerated: failed, but its `continueOnError` covers that.
	ReasonTolerated Reason = "tolerated"
)

// Failure is why a step or a run ended badly, in the words of the one who ran it.
type Failure struct {
	// Code is stable: one of [Code] or an action's own, such as http_status.
	Code string `json:"code"`
	// Message is the cause in one line.
	Message string `json:"message"`
	// Status is the provider's status number where it has one (HTTP 503), else 0.
	Status int `json:"status,omitempty"`
	// Type is the provider's own name of the error, where it has one.
	Type string `json:"type,omitempty"`
	// Step and Item say where it happened.
	Step string `json:"step,omitempty"`
	Item string `json:"item,omitempty"`
	// Retryable says whether another try may help.
	Retryable bool `json:"retryable,omitempty"`
}
