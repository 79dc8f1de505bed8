package workflows

import (
	"errors"

	"go.temporal.io/sdk/temporal"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/internal/job"
)

// stepView is how expressions see a step.
func stepView(status job.Status, output any, failure *job.Failure) map[string]any {
	view := map[string]any{
		"status": string(status), "output": output, "error": nil,
		"items": map[string]any{"total": int64(0), "succeeded": int64(0), "failed": int64(0), "errors": []any{}},
	}
	if failure != nil {
		view["error"] = map[string]any{
			"code": failure.Code, "message": failure.Message, "status": int64(failure.Status),
			"type": failure.Type, "step": failure.Step, "item": failure.Item, "retryable": failure.Retryable,
		}
	}
	return view
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
		return &job.Failure{Code: "canceled", Message: "the step was canceled before it ended", Step: id}, detailOf(canceled)
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
		if own.Code == job.CodeTooLarge {
			failure.Code = string(own.Code)
		}
	}
	return failure
}
