package job

import (
	"encoding/json"
	"maps"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/fairlead/fairlead/internal/job/expr"
)

// The actions that the interpreter itself knows.
const (
	usesJobRun = "job.run"
	usesFail   = "fail"
)

// The variables that only some expressions see.
const (
	rootOutput    = "output"
	rootError     = "error"
	rootIndex     = "index"
	rootSteps     = "steps"
	rootVars      = "vars"
	rootCallbacks = "callbacks"
)

// The failures of a `foreach` itself.
const (
	CodeItemsFailed  Code = "items_failed"  // more items failed than are tolerated
	CodeForeachIn    Code = "foreach_in"    // `in` did not give a list
	CodeForeachKey   Code = "foreach_key"   // a key that is no text, or that two items have
	CodeForeachSize  Code = "foreach_size"  // more than [MaxItems]
	CodeWaitUntil    Code = "wait_until"    // `until` did not give a time
	CodeTooManyCalls Code = "history_limit" // the run's history is full
)

// code returns a step's code, or an error: to evaluate a step that isn't there is a defect.
func (p *Program) code(step string) (*stepCode, error) {
	if code, ok := p.steps[step]; ok {
		return code, nil
	}
	return nil, Errorf(CodeInternal, "no step %q", step)
}

// Condition evaluates a step's `if` over the run's values; a step without one
// always runs. The error is CodeExpression.
func (p *Program) Condition(step string, scope expr.Scope) (bool, error) {
	code, err := p.code(step)
	if err != nil {
		return false, err
	}
	if code.condition == nil {
		return true, nil
	}
	return ask(code.condition, scope, "the `if` of step "+step)
}

// ask evaluates a condition.
func ask(condition func() (*expr.Expression, error), scope expr.Scope, what string) (bool, error) {
	compiled, err := condition()
	if err != nil {
		return false, err
	}
	answer, err := compiled.Bool(scope)
	if err != nil {
		return false, evaluation(what, err)
	}
	return answer, nil
}

// Items evaluates a step's `foreach`: its items with their keys, all out of one
// budget. The error is
// CodeExpression, CodeForeachIn, CodeForeachKey or CodeForeachSize.
func (p *Program) Items(step string, scope expr.Scope) ([]Item, error) {
	code, err := p.code(step)
	if err != nil {
		return nil, err
	}
	if code.in == nil {
		return nil, Errorf(CodeInternal, "step %q has no foreach", step)
	}
	in, err := code.in()
	if err != nil {
		return nil, err
	}
	budget := expr.NewBudget()
	value, err := in.RenderWithin(scope, budget)
	if err != nil {
		return nil, evaluation("the `foreach.in` of step "+step, err)
	}
	list, ok := value.([]any)
	switch {
	case !ok:
		return nil, Errorf(CodeForeachIn, "the `foreach.in` of step %s gives a list; this gave %s", step, nodeOf(value).kindName())
	case len(list) > MaxItems:
		return nil, Errorf(CodeForeachSize, "the `foreach.in` of step %s gives %d items; at most %d are allowed: give each several of them, list.chunk(n)", step, len(list), MaxItems)
	}
	return code.items(list, scope, budget)
}

// items gives every element of a list its key, out of the budget that the list took of.
func (code *stepCode) items(list []any, scope expr.Scope, budget *expr.Budget) ([]Item, error) {
	items, taken := make([]Item, len(list)), make(map[string]int, len(list))
	for i, value := range list {
		items[i] = Item{Index: i, Key: strconv.Itoa(i), Value: value}
		if code.key == nil {
			continue
		}
		key, err := code.itemKey(items[i], scope, budget)
		if err != nil {
			return nil, err
		}
		if first, twice := taken[key]; twice {
			return nil, Errorf(CodeForeachKey, "items %d and %d (from 0) of step %s have the key %s; every item needs one of its own", first, i, code.step.ID, quote(key))
		}
		taken[key], items[i].Key = i, key
	}
	return items, nil
}

// MaxItemKey is the most characters an item's key may have.
const MaxItemKey = 200

// itemKey evaluates the `foreach.key` of an item.
func (code *stepCode) itemKey(item Item, scope expr.Scope, budget *expr.Budget) (string, error) {
	template, err := code.key()
	if err != nil {
		return "", err
	}
	what := "the `foreach.key` of step " + code.step.ID + " for item " + strconv.Itoa(item.Index) + " (from 0)"
	value, err := template.RenderWithin(code.step.Foreach.scope(item, scope), budget)
	if err != nil {
		return "", evaluation(what, err)
	}
	var key string
	switch value := value.(type) {
	case string:
		key = value
	case int64:
		key = strconv.FormatInt(value, 10)
	default:
		return "", Errorf(CodeForeachKey, "%s gives a text or an integer; this gave %s", what, nodeOf(value).kindName())
	}
	switch {
	case key == "":
		return "", Errorf(CodeForeachKey, "%s gives an empty text; a key names its item", what)
	case utf8.RuneCountInString(key) > MaxItemKey:
		return "", Errorf(CodeForeachKey, "%s gives a text of %d characters; at most %d are allowed", what, utf8.RuneCountInString(key), MaxItemKey)
	case !utf8.ValidString(key) || strings.ContainsFunc(key, unicode.IsControl):
		return "", Errorf(CodeForeachKey, "%s gives %s; control characters are not allowed", what, quote(key))
	}
	return key, nil
}

// scope is what the expressions of one item see.
func (f *Foreach) scope(item Item, scope expr.Scope) expr.Scope {
	inside := maps.Clone(scope)
	if inside == nil {
		inside = expr.Scope{}
	}
	inside[f.As], inside[rootIndex] = item.Value, int64(item.Index)
	return inside
}

// Until evaluates a step's `wait.until`. The error is CodeExpression or CodeWaitUntil.
func (p *Program) Until(step string, scope expr.Scope) (time.Time, error) {
	code, err := p.code(step)
	if err != nil {
		return time.Time{}, err
	}
	if code.until == nil {
		return time.Time{}, Errorf(CodeInternal, "step %q has no wait.until", step)
	}
	until, err := code.until()
	if err != nil {
		return time.Time{}, err
	}
	what := "the `wait.until` of step " + step
	if _, err := until.Value(scope); err != nil {
		return time.Time{}, evaluation(what, err)
	}
	at, err := until.Time(scope)
	if err != nil {
		return time.Time{}, Wrap(CodeWaitUntil, err, what+": "+err.Error())
	}
	return at, nil
}

// Message renders a step's `approval.message`, "" without one. The error is CodeExpression.
func (p *Program) Message(step string, scope expr.Scope) (string, error) {
	code, err := p.code(step)
	if err != nil || code.message == nil {
		return "", err
	}
	template, err := code.message()
	if err != nil {
		return "", err
	}
	what := "the `approval.message` of step " + step
	value, err := template.Render(scope)
	if err != nil {
		return "", evaluation(what, err)
	}
	if text, ok := value.(string); ok {
		return text, nil
	}
	return "", Errorf(CodeExpression, "%s gives a text; this gave %s", what, nodeOf(value).kindName())
}

// Continues reports whether a step's `continueOnError` covers a failure, which
// is put into the scope as `error`. Of a failure of the step as a whole the item
// and its index, which the expression may name, are null. The error is CodeExpression.
func (p *Program) Continues(step string, scope expr.Scope, failure *Failure) (bool, error) {
	code, err := p.code(step)
	if err != nil {
		return false, err
	}
	switch code.step.ContinueOnError {
	case "":
		return false, nil
	case always:
		return true, nil
	}
	inside := expr.Scope{rootError: ErrorView(failure)}
	if f := code.step.Foreach; f != nil {
		inside[f.As], inside[rootIndex] = nil, nil
	}
	for name, value := range scope {
		if name != rootError {
			inside[name] = value
		}
	}
	return ask(code.continues, inside, "the `continueOnError` of step "+step)
}

// always is a `continueOnError` that covers every failure.
const always = "true"

// StepOutput renders the `output` of a step over a scope: of a wait, an approval
// or job.run over its own `output` (in the scope already), of a group over its
// inner steps. ok is false when the step says nothing of its output. The error is CodeExpression.
func (p *Program) StepOutput(step string, scope expr.Scope) (output json.RawMessage, ok bool, err error) {
	code, err := p.code(step)
	if err != nil || code.output == nil {
		return nil, false, err
	}
	output, err = render(code.output, scope, "the `output` of step "+step)
	return output, err == nil, err
}

// StepScope returns the part of a run's values that a step's activity refers
// to: in `with`, `token`, `poll`, `retry.if` and `output`, without what the
// activity itself adds. A step whose expressions can't be compiled gets all of them.
func (p *Program) StepScope(step string, scope expr.Scope) expr.Scope {
	code, ok := p.steps[step]
	if !ok {
		return expr.Scope{}
	}
	return pruned(code.call, scope)
}

// StepJSON is [Program.StepScope] as JSON.
func (p *Program) StepJSON(step string, scope expr.Scope) (json.RawMessage, error) {
	code, ok := p.steps[step]
	if !ok {
		return json.RawMessage("{}"), nil
	}
	needed, err := code.call()
	if err != nil {
		return json.Marshal(scope)
	}
	return needed.JSON(scope)
}

// CompensateScope returns the part of a run's values that a step's compensation
// refers to, `output` among them.
func (p *Program) CompensateScope(step string, scope expr.Scope) expr.Scope {
	code, ok := p.steps[step]
	if !ok {
		return expr.Scope{}
	}
	return pruned(code.undo, scope)
}

// pruned is the part of a scope that is needed.
func pruned(pruner func() (expr.Pruner, error), scope expr.Scope) expr.Scope {
	needed, err := pruner()
	if err != nil {
		return scope
	}
	return needed.Prune(scope)
}

// Callbacks are the steps whose callback URLs a step's `with` names, sorted.
func (p *Program) Callbacks(step string) []string {
	code, ok := p.steps[step]
	if !ok {
		return nil
	}
	return code.callbacks()
}

// Variables are the team variables that the job's expressions name, sorted.
func (p *Program) Variables() []string { return p.variables() }

// ErrorView is how expressions see a failure; nil is null.
func ErrorView(failure *Failure) any {
	if failure == nil {
		return nil
	}
	return map[string]any{
		"code": failure.Code, "message": failure.Message, "status": int64(failure.Status),
		"type": failure.Type, "step": failure.Step, "item": failure.Item, "retryable": failure.Retryable,
	}
}
