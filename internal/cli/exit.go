package cli

import "github.com/fairlead/fairlead/gateway/api"

// The exit codes of every command.
const (
	ExitSucceeded = 0 // done; the run succeeded
	ExitFailed    = 1 // the run failed; the job file is not valid
	ExitCanceled  = 2 // the run was canceled
	ExitSkipped   = 3 // the run was skipped or timed out
	ExitPerson    = 4 // the run waits for a person
	ExitUsage     = 5 // wrong usage, no authority, or no connection
)

// Exit is an error with the exit code that it asks for.
type Exit struct {
	Code int
	// Err is told on standard error; nil when everything has been told.
	Err error
}

// Error is the wrapped error's text.
func (e *Exit) Error() string {
	if e.Err == nil {
		return ""
	}
	return e.Err.Error()
}

// Unwrap returns the wrapped error, or nil.
func (e *Exit) Unwrap() error { return e.Err }

// ended turns how a run stands into the command's result.
func ended(status api.RunStatus) error {
	code := ExitPerson
	switch status {
	case api.RunSucceeded:
		return nil
	case api.RunCanceled:
		code = ExitCanceled
	case api.RunSkipped, api.RunTimedOut:
		code = ExitSkipped
	case api.RunFailed:
		code = ExitFailed
	case api.RunNeedsAttention, api.RunPaused, api.RunQueued, api.RunRunning, api.RunWaiting:
	}
	return &Exit{Code: code}
}
