package step

import (
	"fmt"
	"math"
	"time"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/internal/job"
)

// next is what follows a failed attempt.
type next struct {
	again bool
	// delay is until the next attempt, 0 for what the server has been told.
	delay time.Duration
	// words say it in the log.
	words string
}

// next decides over a failure; a poll whose time is up turns it into its own.
func (a *attempt) next(failed *activities.Failed) next {
	if failed.Code == activities.CodeInterrupted { // the workflow does it again, uncounted
		return next{words: "at once, on the next worker"}
	}
	if why := a.unwanted(failed); why != "" {
		return next{words: "no: " + why}
	}
	if a.max > 0 && a.number >= a.max {
		return next{words: fmt.Sprintf("no: that was the last of %d attempts", a.max)}
	}
	delay, words := a.pause(failed)
	begins := time.Now().Add(delay)
	switch {
	case a.tally != nil && begins.After(a.pollEnd()):
		*failed = *a.pollTimeout("the last call failed: " + failed.Error())
		return next{words: "no: the next call would begin too late"}
	case a.in.MaxElapsed > 0 && begins.After(a.in.Since.Add(a.in.MaxElapsed)):
		return next{words: fmt.Sprintf("no: the next attempt would begin more than %s (`retry.maxElapsed`) after the first", job.Duration(a.in.MaxElapsed))}
	case failed.RetryAfter > 0 || a.tally != nil:
		return next{again: true, delay: delay, words: words}
	}
	return next{again: true, words: words}
}

// unwanted says why a failure is not tried again, "" if it may be.
func (a *attempt) unwanted(failed *activities.Failed) string {
	over := a.tally != nil && (failed.Code == activities.CodePollFailed || failed.Code == activities.CodePollTimeout)
	switch {
	case over:
		return "the poll is over"
	case a.in.RetryIf == "" && !failed.Retryable:
		return "another attempt would not help"
	case a.in.RetryIf == "":
		return ""
	}
	wanted, err := a.Expressions.Bool(a.in.RetryIf, a.with("error", job.ErrorView(&failed.Failure)))
	switch {
	case err != nil:
		return "`retry.if` can't be evaluated: " + activities.OneLine(err.Error(), maxMessage)
	case !wanted:
		return "`retry.if` says no"
	}
	return ""
}

// pause is how long the next attempt waits, and that in words.
func (a *attempt) pause(failed *activities.Failed) (time.Duration, string) {
	if failed.RetryAfter > 0 {
		return failed.RetryAfter, "in " + failed.RetryAfter.String() + ", as the server asks"
	}
	failures := a.executed
	if a.tally != nil {
		failures = a.tally.Failures + 1
	}
	delay := a.backoff(failures)
	return delay, "in " + delay.String()
}

// backoff is the pause after so many failures, as the server reckons it.
func (a *attempt) backoff(failures int) time.Duration {
	pause := float64(a.policy.InitialInterval) * math.Pow(a.policy.BackoffCoefficient, float64(failures-1))
	if most := float64(a.policy.MaximumInterval); most > 0 && pause > most {
		pause = most
	}
	return time.Duration(min(pause, float64(math.MaxInt64/2))).Round(time.Millisecond)
}
