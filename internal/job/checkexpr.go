package job

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/fairlead/fairlead/internal/job/expr"
)

// hasExpression reports whether a text holds an expression; `$${` is a literal.
func hasExpression(text string) bool {
	return strings.Contains(strings.ReplaceAll(text, "$${", ""), "${")
}

// soleExpression reports whether a text may be one expression and nothing else,
// so that its value keeps its type.
func soleExpression(text string) bool {
	return strings.HasPrefix(text, "${") && strings.HasSuffix(text, "}")
}

// scoping makes the environments of a job's expressions.
type scoping struct {
	def     *Definition
	graph   *graph
	input   *expr.Type
	actions map[string]*action
}

// newScoping returns the scoping of a definition whose needs are resolved.
func newScoping(def *Definition, g *graph) (*scoping, error) {
	all, err := actions()
	if err != nil {
		return nil, err
	}
	input := def.Input
	if input == nil {
		input = []byte(noInput)
	}
	return &scoping{def: def, graph: g, input: expr.FromSchema(input), actions: all}, nil
}

// env is the environment of an expression that sees some steps. texts are what
// it will compile: steps that none of them mentions are left out when there are
// many, since a long chain's steps see all those before them.
func (s *scoping) env(visible []int, texts []string, all bool) (*expr.Env, error) {
	sees := make([]bool, len(s.def.Steps))
	types := expr.Types{Input: s.input, Steps: map[string]expr.Step{}}
	for _, i := range visible {
		sees[i] = true
		step := &s.def.Steps[i]
		if step.ID == "" || (!all && !mentioned(step.ID, texts)) {
			continue
		}
		var output *expr.Type
		if used := s.actions[step.Uses]; used != nil {
			output = used.output
		}
		types.Steps[step.ID] = expr.Step{Output: output, Skippable: step.If != ""}
	}
	for i, step := range s.def.Steps {
		if !sees[i] && step.ID != "" && (all || mentioned(step.ID, texts)) {
			types.Others = append(types.Others, step.ID)
		}
	}
	return expr.NewEnv(types)
}

// mentioned reports whether a name stands in one of some texts.
func mentioned(name string, texts []string) bool {
	for _, text := range texts {
		if strings.Contains(text, name) {
			return true
		}
	}
	return false
}

// expressionTexts are the texts of a value that hold expressions.
func expressionTexts(n *node, into []string) []string {
	if n == nil {
		return into
	}
	if n.kind == kindString && hasExpression(n.text) {
		return append(into, n.text)
	}
	for _, item := range n.items {
		into = expressionTexts(item, into)
	}
	for _, f := range n.fields {
		into = expressionTexts(f.value, into)
	}
	return into
}

// countExpressions reports whether a job has no more expressions than may be compiled.
func (c *checker) countExpressions() bool {
	total := 0
	count := func(n *node) {
		for _, text := range expressionTexts(n, nil) {
			total += strings.Count(text, "${")
		}
	}
	for _, m := range c.merged {
		count(m.node)
	}
	count(c.root.get("output"))
	if total > maxExpressions {
		c.add([]string{"steps"}, fmt.Sprintf("the job has %d expressions, those of `defaults` counted once for every step that takes them; at most %d are allowed: split the job, or compute a whole list or map in one expression",
			total, maxExpressions))
	}
	return total <= maxExpressions
}

// condition compiles an `if` with what it may see.
func (s *scoping) condition(src string, visible []int) (*expr.Expression, []expr.Problem, error) {
	for _, all := range []bool{false, true} {
		env, err := s.env(visible, []string{src}, all)
		if err != nil {
			return nil, nil, err
		}
		compiled, problems := env.Expression(src)
		if len(problems) == 0 || all {
			return compiled, problems, nil
		}
	}
	return nil, nil, nil
}

// template compiles a value with what it may see. The problems of a faulty one
// are found with every name at hand, for the suggestions.
func (s *scoping) template(n *node, visible []int) (*expr.Template, map[string][]expr.Problem, error) {
	texts := expressionTexts(n, nil)
	for _, all := range []bool{false, true} {
		env, err := s.env(visible, texts, all)
		if err != nil {
			return nil, nil, err
		}
		compiled, problems := env.Template(n.value())
		if len(problems) == 0 || all {
			return compiled, problems, nil
		}
	}
	return nil, nil, nil
}

// checkExpressions compiles every expression with what it may see.
func (c *checker) checkExpressions() {
	scopes, err := newScoping(c.def, c.graph)
	if err != nil {
		c.add(nil, err.Error())
		return
	}
	steps := c.root.get("steps")
	for i := range c.def.Steps {
		if c.full() {
			return
		}
		visible := c.graph.ancestors(i)
		path := []string{"steps", strconv.Itoa(i)}
		c.checkCondition(scopes, steps.items[i], path, visible)
		if i < len(c.merged) {
			c.checkTemplate(scopes, c.merged[i].node, visible, func(inside []string) []string {
				return c.merged[i].path(inside, join(path, "with"))
			})
		}
	}
	if output := c.root.get("output"); output != nil {
		everything := make([]int, len(c.def.Steps))
		for i := range everything {
			everything[i] = i
		}
		c.checkTemplate(scopes, output, everything, func(inside []string) []string {
			return join([]string{"output"}, inside...)
		})
	}
}

// checkCondition compiles a step's `if`.
func (c *checker) checkCondition(scopes *scoping, step *node, path []string, visible []int) {
	written := step.get("if")
	if written == nil {
		return
	}
	path = join(path, "if")
	if written.kind != kindString {
		return // the grammar says so
	}
	if strings.TrimSpace(written.text) == "" {
		c.add(path, "the condition is empty; write one expression such as ${input.count > 0}, or remove `if`")
		return
	}
	_, problems, err := scopes.condition(written.text, visible)
	if err != nil {
		c.add(path, err.Error())
	}
	c.addProblems(path, written, problems)
}

// checkTemplate compiles a value; path says where a place inside it is written.
func (c *checker) checkTemplate(scopes *scoping, n *node, visible []int, path func(inside []string) []string) {
	_, problems, err := scopes.template(n, visible)
	if err != nil {
		c.add(path(nil), err.Error())
	}
	for _, pointer := range keysOf(problems) {
		inside := expr.Path(pointer)
		found, _ := n.find(inside)
		c.addProblems(path(inside), found, problems[pointer])
	}
}

// fault is a problem of a text. The text of a default is one, however many steps take it.
type fault struct {
	written *node
	problem expr.Problem
}

// addProblems keeps the problems of an expression in a text.
func (c *checker) addProblems(path []string, written *node, problems []expr.Problem) {
	for _, problem := range problems {
		if c.full() {
			return
		}
		if c.told[fault{written, problem}] {
			continue // finding its place takes as long as the line is
		}
		c.told[fault{written, problem}] = true
		c.addAt(path, c.locate(written, problem.Offset), problem.Message)
	}
}
