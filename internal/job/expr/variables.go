package expr

import "maps"

// The variables of the language that an [Env] knows by itself.
const (
	rootInput     = "input"
	rootSteps     = "steps"
	rootRun       = "run"
	rootVars      = "vars"
	rootCallbacks = "callbacks"
)

// elsewhere says where the language's other variables can be used.
var elsewhere = map[string]string{
	"secrets":     "secrets are not supported by this build",
	rootCallbacks: "it exists only in a step's `with`, when a `wait` with `callback` stands beside the step and the step doesn't come after it",
	"schedule":    "it exists only in a schedule's `input`",
	"event":       "it exists only in a trigger",
	"output":      "it exists only in a step's own `poll`, `output` and `compensate`; another step's output is `steps.<id>.output`",
	"error":       "it exists only in a step's own `retry.if` and `continueOnError`; another step's error is `steps.<id>.error`",
	"index":       "it exists only inside a `foreach`",
	"now":         "there is no clock in an expression; use `timestamp(run.startedAt)`",
}

// runType is the type of `run`. While the run is ending, its outcome is known.
func runType(ending bool) *Type {
	fields := map[string]*Type{
		"id": String(), "job": String(), "version": Int(), "trigger": oneOf("api", "job"), "startedAt": String(),
	}
	if ending {
		fields["outcome"] = oneOf("succeeded", "failed", "canceled", "timed_out")
		fields["error"] = ErrorType().orNull()
	}
	return closed(fields)
}

// ErrorType is the type of a step's error, one that is there.
func ErrorType() *Type {
	return closed(map[string]*Type{
		"code": String(), "message": String(), "status": Int(), "type": String(),
		"step": String(), "item": String(), "retryable": {kind: kindBool},
	})
}

// stepFields are the fields of `steps.x` beside its output. Its error is null unless the step failed.
var stepFields = map[string]*Type{
	"status": oneOf("succeeded", "failed", "skipped", "canceled", "timed_out", "compensated"),
	"error":  ErrorType().orNull(),
	"items": closed(map[string]*Type{
		"total": Int(), "succeeded": Int(), "failed": Int(),
		"errors": ListOf(closed(map[string]*Type{"key": String(), "code": String(), "message": String()}), false),
	}),
}

// typ is the type of `steps.x`.
func (s Step) typ() *Type {
	output := s.Output
	if s.Skippable {
		output = output.orNull() // its fields are known; as a whole it may be null
	}
	fields := maps.Clone(stepFields)
	fields["output"] = output
	return closed(fields)
}
