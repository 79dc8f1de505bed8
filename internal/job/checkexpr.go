package job

import (
	"fmt"
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
	if c.crowded {
		return false
	}
	total := 0
	count := func(n *node) {
		for _, text := range expressionTexts(n, nil) {
			total += strings.Count(text, "${")
		}
	}
	for _, s := range c.sites {
		for _, f := range s.node.fields {
			switch f.key {
			case "with", "steps":
			case "compensate":
				count(s.undo.arguments())
			default:
				count(f.value)
			}
		}
		count(s.with.arguments())
	}
	count(c.root.get("output"))
	if total > maxExpressions {
		c.add([]string{"steps"}, fmt.Sprintf("the job has %d expressions, those of `defaults` counted once for every step that takes them; at most %d are allowed: split the job, or compute a whole list or map in one expression",
			total, maxExpressions))
	}
	return total <= maxExpressions
}

// checkExpressions compiles every expression with what it may see.
func (c *checker) checkExpressions() {
	scopes, err := c.newScoping()
	if err != nil {
		c.add(nil, err.Error())
		return
	}
	defaults := &written{node: c.root.get("defaults").get("retry").get("if"), path: []string{"defaults", "retry", "if"}}
	c.checkExpression(scopes, defaults, expr.WantBool, view{}.with(rootError, expr.ErrorType()))
	for _, s := range c.sites {
		if c.full() {
			return
		}
		c.checkStep(scopes, s)
	}
	c.warnOfCallbacks()
	output := &written{node: c.root.get("output"), path: []string{"output"}}
	c.checkExpression(scopes, output, expr.WantAny, view{steps: c.main.sites})
}

// written is a value with expressions, and where it stands.
type written struct {
	node *node
	path []string
	// merged are the arguments of a call, whose parts stand in several places.
	merged *merged
	step   string
}

// value finds a value of the step, with no node where there is none.
func (s *site) value(keys ...string) *written {
	n := s.node
	for _, key := range keys {
		n = n.get(key)
	}
	return &written{node: n, path: join(s.path, keys...)}
}

// inside is where a part of the value stands.
func (w *written) inside(path []string) []string {
	if w.merged != nil {
		return w.merged.path(path, w.path)
	}
	return join(w.path, path...)
}

// taker names the step that takes a part of the value from elsewhere; "" where it is its own.
func (w *written) taker(path []string) string {
	if w.merged == nil || path[0] == w.path[0] {
		return ""
	}
	return " (so it is for the step `" + shorten(w.step) + "`, which takes these defaults)"
}

// checkStep compiles the expressions of one step, and looks at what they give.
func (c *checker) checkStep(scopes *scoping, s *site) {
	before, item := scopes.before(s), scopes.item(s)
	c.checkExpression(scopes, s.value("if"), expr.WantBool, before)
	c.checkItems(scopes, s, before, item)
	if s.with != nil {
		refs := c.checkCall(scopes, s.step.Uses, &written{node: s.with.node, path: join(s.path, "with"), merged: s.with, step: s.step.ID}, scopes.call(s))
		for _, id := range named(refs, rootCallbacks) {
			c.called[id] = true
		}
	}
	own, failed := scopes.own(s), scopes.failed(s)
	if s.step.Poll != nil {
		c.checkLooks(scopes, s.value("poll", "until"), own)
		c.checkLooks(scopes, s.value("poll", "failIf"), own)
	}
	c.checkExpression(scopes, s.value("retry", "if"), expr.WantBool, failed)
	if n := s.node.get("continueOnError"); n != nil && n.kind == kindString {
		c.checkExpression(scopes, s.value("continueOnError"), expr.WantBool, failed)
	}
	c.checkUntil(scopes, s.value("wait", "until"), item)
	c.checkText(scopes, s.value("approval", "message"), item, "string")
	c.checkToken(scopes, s, item)
	c.checkExpression(scopes, s.value("output"), expr.WantAny, own)
	if s.undo != nil {
		c.checkCall(scopes, s.step.Compensate.Uses, &written{node: s.undo.node, path: join(s.path, "compensate", "with"), merged: s.undo, step: s.step.ID}, scopes.undone(s))
	}
}

// checkExpression compiles a value, and returns what is known of it; nil
// where there is none, or where it has problems.
func (c *checker) checkExpression(scopes *scoping, w *written, want expr.Want, v view) *compilation {
	if w.node == nil || c.isDropped(w.path) || (want != expr.WantAny && w.node.kind != kindString && w.node.kind != kindList) {
		return nil // the grammar says so
	}
	result := scopes.compiled(w.node, v, want)
	for _, pointer := range keysOf(result.problems) {
		inside := expr.Path(pointer)
		found, _ := w.node.find(inside)
		path := w.inside(inside)
		c.addProblems(path, found, result.problems[pointer], w.taker(path))
	}
	if result.problems != nil {
		return nil
	}
	return result
}

// fault is a problem of a text. The text of a default is one, however many steps take it.
type fault struct {
	written *node
	problem expr.Problem
}

// addProblems keeps the problems of an expression in a text.
func (c *checker) addProblems(path []string, written *node, problems []expr.Problem, of string) {
	for _, problem := range problems {
		if c.full() {
			return
		}
		if c.told[fault{written, problem}] {
			continue // finding its place takes as long as the line is
		}
		c.told[fault{written, problem}] = true
		c.addAt(path, c.locate(written, problem.Offset), problem.Message+of)
	}
}
