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
func stepFailure(id string, err error) (*job.Failure, *activities.StepFailure) {
	var application *temporal.ApplicationError
	if errors.As(err, &application) {
		var detail activities.StepFailure
		if application.HasDetails() && application.Details(&detail) == nil && detail.Failure.Code != "" {
			detail.Failure.Step = id
			return &detail.Failure, &detail
		}
		return &job.Failure{Code: codeOr(application.Type()), Message: application.Message(), Step: id}, nil
	}
	var timeout *temporal.TimeoutError
	switch {
	case temporal.IsCanceledError(err):
		return &job.Failure{Code: "canceled", Message: "the step was canceled before it ended", Step: id}, nil
	case errors.As(err, &timeout):
		return &job.Failure{Code: "worker_lost", Message: "no worker answered for the step: " + timeout.TimeoutType().String() + " timeout", Step: id, Retryable: true}, nil
	}
	return &job.Failure{Code: string(job.CodeInternal), Message: err.Error(), Step: id}, nil
}

func codeOr(kind string) string {
	if kind == "" {
		return string(job.CodeInternal)
	}
	return kind
}

func expressionFailure(step, key string, err error) *job.Failure {
	return &job.Failure{Code: "expression_error", Message: "`" + key + "` can't be evaluated: " + err.Error(), Step: step}
}
