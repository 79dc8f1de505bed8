// Package jobmodel is a slow model of what the job language promises: random
// jobs, scripts that say how each of their calls goes, and the one thing that
// must come of them. It is for tests, written from the sentences of the
// language, and imports nothing of ours: code is judged by it that it doesn't share.
package jobmodel

import "time"

// Job is a job as the model knows it.
type Job struct {
	Steps   []Step
	Finally []Step
	// Timeout of the run; 0: none that matters.
	Timeout time.Duration
}

// Kind is what a step does.
type Kind int

// The kinds of steps.
const (
	Call     Kind = iota // an action
	Wait                 // for a length of time
	Approval             // which somebody may decide
	Group                // steps of its own
	Callback             // a wait for somebody's call
	Child                // a run of another job
)

// Cover is which failures a step's `continueOnError` covers.
type Cover int

// The covers.
const (
	CoverNone Cover = iota
	CoverAll
	CoverSoft // those with the code "soft"
)

// What becomes of an approval that nobody decides in time.
const (
	Approve = "approve"
	Reject  = "reject"
	Fail    = "fail"
)

// Step is a step of a job.
type Step struct {
	ID   string
	Kind Kind
	// Needs are nil where the file says nothing of them.
	Needs []string
	// If says that the step has a condition, which the script decides.
	If         bool
	Foreach    *Foreach
	Cover      Cover
	Compensate bool
	Poll       bool // of a call: it is made until it is done
	// Time is what a wait takes, after which an approval or a callback is given up,
	// and what a group's pass may take (0: any).
	Time      time.Duration
	OnTimeout string // of an approval
	Steps     []Step // of a group
}

// Foreach is a step's.
type Foreach struct {
	Items, Parallel int
	// Tolerate is how many items may fail: a number or, with Percent, a share of them.
	Tolerate int
	Percent  bool
	// Keyed says that items have keys of their own instead of their places.
	Keyed bool
}

// Unit is one thing that is done: a step, or one item of it. Steps inside a
// group are done for the group's items.
type Unit struct{ Step, Item string }

// Done says how a call goes.
type Done struct {
	Status Status // succeeded, failed, a poll's timed_out; the planner also takes any timed_out and canceled
	Code   string // of a failure
	After  time.Duration
}

// Decision is a person's word on an approval.
type Decision struct {
	Approved bool
	After    time.Duration // it was asked for
}

// Script says all that a job doesn't say itself.
type Script struct {
	// Calls say how each call and child goes, compensations and `finally` included.
	Calls map[Unit]Done
	// Decisions are those on approvals.
	Decisions map[Unit]Decision
	// Callbacks say when each call comes that a step waits for, counted from the run's start.
	Callbacks map[Unit]time.Duration
	// Skips are those whose condition is false.
	Skips map[Unit]bool
	// CancelAfter cancels the run between its n-th end of a call, wait,
	// approval or child and what comes next; 0 never does.
	CancelAfter int
}

// Status is how something stands.
type Status string

// The statuses and reasons of the language.
const (
	Succeeded   Status = "succeeded"
	Failed      Status = "failed"
	Skipped     Status = "skipped"
	Canceled    Status = "canceled"
	TimedOut    Status = "timed_out"
	Compensated Status = "compensated"

	ByCondition = "condition"
	ByUpstream  = "upstream"
	ByTolerance = "tolerated"
)

// CompensationOf is the name of a step's compensation.
func CompensationOf(step string) string { return step + ".compensate" }
