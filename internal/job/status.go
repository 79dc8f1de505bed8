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
)

// Ended reports whether the status is an end: nothing leaves it.
func (s Status) Ended() bool {
	switch s {
	case StatusSucceeded, StatusFailed, StatusCanceled, StatusTimedOut, StatusSkipped:
		return true
	case StatusPending, StatusQueued, StatusRunning:
	}
	return false
}

// SkipReason says why a step was skipped; "" where it wasn't.
type SkipReason string

// The reasons: its own `if` was false, or a step that it needs can't be satisfied any more.
const (
	SkipCondition SkipReason = "condition"
	SkipUpstream  SkipReason = "upstream"
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
