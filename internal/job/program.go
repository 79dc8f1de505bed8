package job

import (
	"bytes"
	"encoding/json"
	"errors"
	"sync"

	"github.com/fairlead/fairlead/internal/job/expr"
)

// CodeExpression is an expression that fails on a run's values.
const CodeExpression Code = "expression"

// Program is a published job, ready to run. It is safe to use from several
// goroutines and deterministic: the same calls give the same answers.
type Program struct {
	// Definition is the job with every default applied; don't change it.
	Definition *Definition

	order  []*Step // every step after those that it needs
	index  map[string]int
	scopes *scoping
	// words has those of all expressions, step names among them.
	words  map[string]bool
	input  func() (*compiled, error)
	steps  []stepCode
	output func() (*expr.Template, error)
}

// stepCode are the expressions of one step, compiled when they are first needed:
// opening a job of a thousand steps costs no more than reading it.
type stepCode struct {
	condition func() (*expr.Expression, error)
	with      func() (*expr.Template, error)
}

// Open reads a job's stored canonical form, which [Load] has made. What Load
// refuses Open may accept; expressions are compiled at their first use.
func Open(canonical []byte) (*Program, error) {
	doc := document{source: canonical}
	if !isJSON(canonical) {
		return nil, Errorf(CodeInternal, "a stored job is not JSON")
	}
	root, problems := parseJSON(doc, newBudget())
	if len(problems) > 0 {
		return nil, &Error{Code: CodeInternal, Message: "a stored job can't be read", Fields: problems}
	}
	c := newChecker(doc, root)
	c.def = c.decodeDefinition()
	c.checkSteps()
	c.mergeWith()
	if len(c.problems) > 0 {
		return nil, &Error{Code: CodeInternal, Message: "a stored job can't be run by this build", Fields: invalid(c.problems).Fields}
	}
	return newProgram(c)
}

// newProgram makes the program of a document that has no problems.
func newProgram(c *checker) (*Program, error) {
	scopes, err := newScoping(c.def, c.graph)
	if err != nil {
		return nil, err
	}
	p := &Program{
		Definition: c.def, scopes: scopes, words: wordsOf(c.def),
		index: map[string]int{}, steps: make([]stepCode, len(c.def.Steps)),
	}
	p.input = sync.OnceValues(func() (*compiled, error) { return compileInput(c.def.Input) })
	for i := range c.def.Steps {
		p.index[c.def.Steps[i].ID] = i
		p.steps[i] = p.compile(i, c.merged[i].node)
	}
	for _, i := range c.graph.order() {
		p.order = append(p.order, &c.def.Steps[i])
	}
	output := c.root.get("output")
	p.output = sync.OnceValues(func() (*expr.Template, error) {
		everything := make([]int, len(c.def.Steps))
		for i := range everything {
			everything[i] = i
		}
		return p.template(output, everything)
	})
	return p, nil
}

// compile returns the code of a step, not yet compiled.
func (p *Program) compile(i int, with *node) stepCode {
	visible := sync.OnceValue(func() []int { return p.scopes.graph.ancestors(i) })
	return stepCode{
		condition: sync.OnceValues(func() (*expr.Expression, error) {
			compiled, problems, err := p.scopes.condition(p.Definition.Steps[i].If, visible())
			if err == nil && len(problems) > 0 {
				err = Errorf(CodeInternal, "a stored condition can't be compiled: %s", problems[0].Message)
			}
			return compiled, err
		}),
		with: sync.OnceValues(func() (*expr.Template, error) { return p.template(with, visible()) }),
	}
}

// template compiles a stored template.
func (p *Program) template(n *node, visible []int) (*expr.Template, error) {
	compiled, problems, err := p.scopes.template(n, visible)
	if err != nil {
		return nil, err
	}
	for _, pointer := range keysOf(problems) {
		return nil, Errorf(CodeInternal, "a stored expression can't be compiled: %s: %s", pointer, problems[pointer][0].Message)
	}
	return compiled, nil
}

// Step returns a step by its ID, or nil.
func (p *Program) Step(id string) *Step {
	if i, ok := p.index[id]; ok {
		return &p.Definition.Steps[i]
	}
	return nil
}

// CheckInput checks a run's input against the job's schema and returns it with
// the schema's defaults applied, in canonical form. Formats are asserted, and
// keys that the schema doesn't name are refused unless it says otherwise.
// Nothing is {}. The error is CodeInvalidInput with JSON pointers into the
// input, or CodeTooLarge over 1 MiB.
func (p *Program) CheckInput(raw []byte) (json.RawMessage, error) {
	input, err := p.input()
	if err != nil {
		return nil, Wrap(CodeInternal, err, "the job's input schema can't be compiled")
	}
	return input.accept(raw, "the input", acceptance{limit: maxInput})
}

// Condition evaluates a step's `if` over the run's values; a step without one
// always runs. The error is CodeExpression.
func (p *Program) Condition(step string, scope expr.Scope) (bool, error) {
	i, ok := p.index[step]
	if !ok {
		return false, Errorf(CodeInternal, "no step %q", step)
	}
	if p.Definition.Steps[i].If == "" {
		return true, nil
	}
	condition, err := p.steps[i].condition()
	if err != nil {
		return false, err
	}
	answer, err := condition.Bool(scope)
	if err != nil {
		return false, evaluation("the `if` of step "+step, err)
	}
	return answer, nil
}

// StepScope returns the part of the run's values that a step's `with` refers to.
// A step whose expressions can't be compiled gets all of them.
func (p *Program) StepScope(step string, scope expr.Scope) expr.Scope {
	i, ok := p.index[step]
	if !ok {
		return expr.Scope{}
	}
	with, err := p.steps[i].with()
	if err != nil {
		return scope
	}
	return expr.Prune(scope, with.Refs())
}

// Output renders the run's output over its values, nil when the job has none.
// The error is CodeExpression.
func (p *Program) Output(scope expr.Scope) (json.RawMessage, error) {
	if p.Definition.Output == nil {
		return nil, nil
	}
	template, err := p.output()
	if err != nil {
		return nil, err
	}
	value, err := template.Render(scope)
	if err != nil {
		return nil, evaluation("the run's output", err)
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, Wrap(CodeInternal, err, "the run's output can't be written as JSON")
	}
	return bytes.TrimSpace(b.Bytes()), nil
}

// evaluation is the error of an expression that failed on a run's values.
func evaluation(what string, err error) error {
	if failed, ok := errors.AsType[*expr.EvalError](err); ok {
		return Wrap(CodeExpression, err, what+": "+failed.Error())
	}
	return Wrap(CodeInternal, err, what+" can't be evaluated")
}
