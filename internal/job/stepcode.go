package job

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"sync"

	"github.com/fairlead/fairlead/internal/job/expr"
)

// stepCode are the expressions of one step, compiled when they are first needed:
// opening a job of a thousand steps costs no more than reading it.
type stepCode struct {
	step      *Step
	condition func() (*expr.Expression, error)
	in, key   func() (*expr.Template, error)
	until     func() (*expr.Expression, error)
	message   func() (*expr.Template, error)
	continues func() (*expr.Expression, error)
	output    func() (*expr.Template, error)
	with      func() (*expr.Template, error)
	// call and undo prune a scope to what the step's activity and its compensation's refer to.
	call, undo func() (expr.Pruner, error)
	callbacks  func() []string
}

// newStepCode returns the code of a step, not yet compiled; group is the one that it is in, or nil.
func (p *Program) newStepCode(step, group *Step) *stepCode {
	at := p.at(itemsSeen(step, group))
	code := &stepCode{
		step:      step,
		condition: at.single(step.If, expr.WantBool),
		continues: at.single(step.ContinueOnError, expr.WantBool),
		output:    at.template(step.Output),
		with:      at.template(step.With),
	}
	if f := step.Foreach; f != nil {
		code.in, code.key = at.template(f.In), at.text(f.Key)
	}
	if step.Wait != nil {
		code.until = at.single(step.Wait.Until, expr.WantTime)
	}
	if step.Approval != nil {
		code.message = at.text(step.Approval.Message)
	}
	after := []func() (*expr.Template, error){code.with, at.text(step.Token), at.text(step.Retry.If)}
	if step.Poll != nil {
		after = append(after, at.text(step.Poll.Until), at.text(step.Poll.FailIf))
	}
	if step.Uses != "" {
		after = append(after, code.output)
	}
	code.call = sync.OnceValues(func() (expr.Pruner, error) { return pruner(after, rootOutput, rootError, rootCallbacks) })
	var undo []func() (*expr.Template, error)
	if step.Compensate != nil {
		undo = append(undo, at.template(step.Compensate.With))
	}
	code.undo = sync.OnceValues(func() (expr.Pruner, error) { return pruner(undo) })
	code.callbacks = sync.OnceValue(func() []string {
		all, err := refs(code.with)
		if err != nil {
			return nil
		}
		return named(all, rootCallbacks)
	})
	return code
}

// pruner keeps what templates refer to, without some roots.
func pruner(templates []func() (*expr.Template, error), without ...string) (expr.Pruner, error) {
	all, err := refs(templates...)
	if err != nil {
		return expr.Pruner{}, err
	}
	return expr.NewPruner(slices.DeleteFunc(all, func(ref expr.Ref) bool { return slices.Contains(without, ref[0]) })), nil
}

// refs are what some templates refer to; nil is no template.
func refs(templates ...func() (*expr.Template, error)) ([]expr.Ref, error) {
	var all []expr.Ref
	for _, template := range templates {
		if template == nil {
			continue
		}
		compiled, err := template()
		if err != nil {
			return nil, err
		}
		all = append(all, compiled.Refs()...)
	}
	return all, nil
}

// named are the members of a variable that refs select, sorted.
func named(refs []expr.Ref, root string) []string {
	var names []string
	for _, ref := range refs {
		if len(ref) > 1 && ref[0] == root {
			names = append(names, ref[1])
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// everything are the language's own variables that an expression of a job may
// name. Which of them it may name at its place, and what is known of their types,
// is for [Load] to check; a job that is stored is run as it is.
func everything(def *Definition) expr.Types {
	types := expr.Types{Ending: true, Roots: map[string]*expr.Type{rootOutput: nil, rootError: nil, rootIndex: nil}}
	eachStep(def, func(step, _ *Step) {
		if step.waitsForCallback() {
			types.Callbacks = append(types.Callbacks, step.ID)
		}
	})
	return types
}

// itemsSeen are the names of the items that a step's expressions see.
func itemsSeen(step, group *Step) []string {
	var names []string
	for _, at := range []*Step{group, step} {
		if at != nil && at.Foreach != nil && at.Foreach.As != "" {
			names = append(names, at.Foreach.As)
		}
	}
	return names
}

// late compiles the expressions of a stored job that see the same variables.
type late struct {
	*Program
	env func() (*expr.Env, error)
}

// at is where some items are seen, and no others: a name of another step's item
// may mean something else here.
func (p *Program) at(items []string) late {
	key := strings.Join(items, " ")
	if p.envs[key] == nil {
		p.envs[key] = sync.OnceValues(func() (*expr.Env, error) {
			types := everything(p.Definition)
			for _, name := range items {
				types.Roots[name] = nil
			}
			return expr.NewEnv(types)
		})
	}
	return late{p, p.envs[key]}
}

// source is a text of a job that holds expressions, and what they refer to.
type source struct {
	text []byte
	refs func() ([]expr.Ref, error)
}

// keep remembers a text that holds expressions.
func (p *Program) keep(text []byte, refs func() ([]expr.Ref, error)) {
	if bytes.Contains(text, []byte("${")) {
		p.sources = append(p.sources, source{text: text, refs: refs})
	}
}

// single compiles a stored text that is one expression, at its first use; nil for none.
func (p late) single(text string, want expr.Want) func() (*expr.Expression, error) {
	if text == "" {
		return nil
	}
	compiled := sync.OnceValues(func() (*expr.Expression, error) {
		env, err := p.env()
		if err != nil {
			return nil, err
		}
		compiled, problems := env.Single(text, want)
		if len(problems) > 0 {
			return nil, Errorf(CodeInternal, "a stored expression can't be compiled: %s", problems[0].Message)
		}
		return compiled, nil
	})
	p.keep([]byte(text), func() ([]expr.Ref, error) {
		expression, err := compiled()
		if err != nil {
			return nil, err
		}
		return expression.Refs(), nil
	})
	return compiled
}

// text compiles a stored text that may hold expressions, at its first use; nil for none.
func (p late) text(text string) func() (*expr.Template, error) {
	if text == "" {
		return nil
	}
	return p.compile([]byte(text), func() (any, error) { return text, nil })
}

// template compiles a stored value, at its first use; nil for none.
func (p late) template(raw json.RawMessage) func() (*expr.Template, error) {
	if raw == nil {
		return nil
	}
	return p.compile(raw, func() (any, error) { return expr.Decode(raw) })
}

// compile compiles a value at its first use.
func (p late) compile(text []byte, value func() (any, error)) func() (*expr.Template, error) {
	compiled := sync.OnceValues(func() (*expr.Template, error) {
		env, err := p.env()
		if err != nil {
			return nil, err
		}
		decoded, err := value()
		if err != nil {
			return nil, Wrap(CodeInternal, err, "a stored value can't be read")
		}
		compiled, problems := env.Template(decoded)
		for _, pointer := range keysOf(problems) {
			return nil, Errorf(CodeInternal, "a stored expression can't be compiled: %s: %s", pointer, problems[pointer][0].Message)
		}
		return compiled, nil
	})
	p.keep(text, func() ([]expr.Ref, error) { return refs(compiled) })
	return compiled
}

// render evaluates a template into JSON.
func render(template func() (*expr.Template, error), scope expr.Scope, what string) (json.RawMessage, error) {
	compiled, err := template()
	if err != nil {
		return nil, err
	}
	value, err := compiled.Render(scope)
	if err != nil {
		return nil, evaluation(what, err)
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, Wrap(CodeInternal, err, what+" can't be written as JSON")
	}
	return bytes.TrimSpace(b.Bytes()), nil
}
