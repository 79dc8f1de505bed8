package job

import (
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
	// Main are the job's steps, Finally those at its end; it may have none.
	Main, Finally *Block

	groups map[string]*Block
	steps  map[string]*stepCode
	// sources are the texts with expressions, words all of their words, step names among them.
	sources   []source
	words     map[string]bool
	variables func() []string
	input     func() (*compiled, error)
	// envs are what expressions see, by the items that they see.
	envs   map[string]func() (*expr.Env, error)
	output func() (*expr.Template, error)
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
	c.layOut()
	c.checkSteps()
	c.mergeWith()
	if len(c.problems) > 0 {
		return nil, &Error{Code: CodeInternal, Message: "a stored job can't be run by this build", Fields: invalid(c.problems).Fields}
	}
	return newProgram(c.def), nil
}

// newProgram makes the program of a definition that has no problems.
func newProgram(def *Definition) *Program {
	p := &Program{
		Definition: def, words: map[string]bool{},
		Main: newBlock(def.Steps, false), Finally: newBlock(def.Finally, true),
		groups: map[string]*Block{}, steps: map[string]*stepCode{}, envs: map[string]func() (*expr.Env, error){},
	}
	p.input = sync.OnceValues(func() (*compiled, error) { return compileInput(def.Input) })
	p.output = p.at(nil).template(def.Output)
	p.variables = sync.OnceValue(p.findVariables)
	eachStep(def, func(step, group *Step) {
		p.steps[step.ID] = p.newStepCode(step, group)
		if len(step.Steps) > 0 {
			p.groups[step.ID] = newBlock(step.Steps, false)
		}
	})
	p.findWords()
	return p
}

// eachStep visits every step of a job: the top level's, each group's after the group, with the group, then those of `finally`.
func eachStep(def *Definition, visit func(step, group *Step)) {
	for _, list := range [][]Step{def.Steps, def.Finally} {
		for i := range list {
			visit(&list[i], nil)
			for j := range list[i].Steps {
				visit(&list[i].Steps[j], &list[i])
			}
		}
	}
}

// Step returns a step by its ID, or nil.
func (p *Program) Step(id string) *Step {
	if code, ok := p.steps[id]; ok {
		return code.step
	}
	return nil
}

// Group returns the steps of a group, or nil.
func (p *Program) Group(id string) *Block { return p.groups[id] }

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

// Output renders the run's output over its values, nil when the job has none.
// The error is CodeExpression.
func (p *Program) Output(scope expr.Scope) (json.RawMessage, error) {
	if p.Definition.Output == nil {
		return nil, nil
	}
	return render(p.output, scope, "the run's output")
}

// evaluation is the error of an expression that failed on a run's values.
func evaluation(what string, err error) error {
	if failed, ok := errors.AsType[*expr.EvalError](err); ok {
		return Wrap(CodeExpression, err, what+": "+failed.Error())
	}
	return Wrap(CodeInternal, err, what+" can't be evaluated")
}
