package workflows

import (
	"errors"

	"go.temporal.io/sdk/temporal"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/internal/job"
)

// stepView is how expressions see a step.
func stepView(status job.Status, output any, failure *job.Failure, items map[string]any) map[string]any {
	if items == nil {
		items = itemsView(0, 0, 0, nil)
	}
	return map[string]any{"status": string(status), "output": output, "error": job.ErrorView(failure), "items": items}
}

// itemsView is how expressions see the items of a step.
func itemsView(total, succeeded, failed int, errors []any) map[string]any {
	if errors == nil {
		errors = []any{}
	}
	return map[string]any{"total": int64(total), "succeeded": int64(succeeded), "failed": int64(failed), "errors": errors}
}

// The codes of a step's failures that the workflow itself gives, or knows.
const (
	codeTimeout         = "timeout"
	codePollTimeout     = "poll_timeout"
	codeCallbackTimeout = "callback_timeout"
	codeApprovalTimeout = "approval_timeout"
	codeRejected        = "approval_rejected"
	codeChildFailed     = "child_failed"
	codeCanceled        = "canceled"
)

// canceledFailure is that of a step that was told to stop.
func canceledFailure(step, item string) *job.Failure {
	return &job.Failure{Code: codeCanceled, Message: "the step was canceled before it ended", Step: step, Item: item}
}

// stepFailure turns the error of a step's activity into the job's words; detail is nil when the activity itself said nothing.
func stepFailure(id string, err error) (failure *job.Failure, detail *activities.StepFailure) {
	var (
		canceled    *temporal.CanceledError
		application *temporal.ApplicationError
		timeout     *temporal.TimeoutError
	)
	switch {
	case errors.As(err, &canceled):
		return canceledFailure(id, ""), detailOf(canceled)
	case errors.As(err, &application):
		if detail = detailOf(application); detail != nil {
			detail.Failure.Step = id
			return &detail.Failure, detail
		}
		return &job.Failure{Code: codeOr(application.Type()), Message: application.Message(), Step: id}, nil
	case errors.As(err, &timeout):
		message := "no worker answered for the step: " + timeout.TimeoutType().String() + " timeout"
		return &job.Failure{Code: "worker_lost", Message: message, Step: id, Retryable: true}, nil
	}
	return &job.Failure{Code: string(job.CodeInternal), Message: err.Error(), Step: id}, nil
}

// interrupted reports whether an attempt ended because its worker stopped, and how many attempts came before it.
func interrupted(err error) (before int, ok bool) {
	application, ok := errors.AsType[*temporal.ApplicationError](err)
	if !ok || application.Type() != activities.CodeInterrupted {
		return 0, false
	}
	detail := detailOf(application)
	if detail == nil {
		return 0, false
	}
	return detail.Attempt - 1, true
}

// detailOf is what an attempt said of its end; nil when it said nothing.
func detailOf(err interface {
	HasDetails() bool
	Details(d ...any) error
},
) *activities.StepFailure {
	var detail activities.StepFailure
	if !err.HasDetails() || err.Details(&detail) != nil || detail.Failure.Code == "" {
		return nil
	}
	return &detail
}

func codeOr(kind string) string {
	if kind == "" {
		return string(job.CodeInternal)
	}
	return kind
}

// expressionFailure says that an expression of the step (or the run's output, step "") can't be evaluated.
func expressionFailure(step string, err error) *job.Failure {
	failure := &job.Failure{Code: string(job.CodeExpression), Message: err.Error(), Step: step}
	if own, ok := errors.AsType[*job.Error](err); ok {
		failure.Message = own.Message
		switch own.Code {
		case job.CodeTooLarge, job.CodeForeachIn, job.CodeForeachKey, job.CodeForeachSize, job.CodeWaitUntil:
			failure.Code = string(own.Code)
		default:
		}
	}
	return failure
}
