package job

import (
	"fmt"
	"slices"
	"strings"
)

// checker finds the problems of one document; it never stops at the first.
type checker struct {
	doc      document
	root     *node
	def      *Definition
	graph    *graph
	merged   []*merged
	problems []Field
	kept     map[Field]bool // the problems, to keep each once
	told     map[fault]bool // the faults of expressions that have been told
	warnings []Field
	// refused are the pointers that the grammar refuses: their meaning isn't looked at.
	refused map[string]bool
	// lines are the document's, to find places inside texts.
	lines []string
}

// newChecker returns a checker of a parsed document.
func newChecker(doc document, root *node) *checker {
	return &checker{doc: doc, root: root, kept: map[Field]bool{}, told: map[fault]bool{}, refused: map[string]bool{}}
}

// full reports whether there are more problems than are looked for: then every
// check ends, since one file could have as many as it has bytes.
func (c *checker) full() bool { return len(c.problems) > maxProblems }

// check runs the grammar and every check of meaning.
func (c *checker) check() {
	c.checkGrammar()
	for _, problem := range c.problems {
		c.refused[problem.Pointer] = true
	}
	c.def = c.decodeDefinition()
	c.checkLabels()
	c.checkNotify()
	c.checkInputSchema()
	if len(c.def.Steps) > MaxSteps {
		return // the grammar says so; the rest would take too long to say
	}
	c.checkSteps()
	c.mergeWith()
	c.checkWith()
	if c.countExpressions() {
		c.checkExpressions()
	}
}

// add keeps a problem of the value at a path; where there is none, it is at
// the nearest value around it.
func (c *checker) add(path []string, message string) {
	if c.full() {
		return
	}
	found, _ := c.root.find(path)
	c.addAt(path, found.pos, message)
}

// addKey keeps a problem of the key at the end of a path.
func (c *checker) addKey(path []string, message string) {
	if c.full() {
		return
	}
	c.addAt(path, c.root.keyPosition(path), message)
}

// addAt keeps a problem, once.
func (c *checker) addAt(path []string, pos position, message string) {
	pointer := pointerOf(path...)
	if c.refused[pointer] || c.full() {
		return
	}
	problem := Field{Pointer: pointer, Line: pos.line, Column: pos.column, Message: message}
	if !c.kept[problem] {
		c.kept[problem] = true
		c.problems = append(c.problems, problem)
	}
}

// warn keeps something that is allowed but surely not meant.
func (c *checker) warn(path []string, message string) {
	pos := c.root.keyPosition(path)
	c.warnings = append(c.warnings, Field{Pointer: pointerOf(path...), Line: pos.line, Column: pos.column, Message: message})
}

// invalid is the one error of a file's problems, sorted by place.
func invalid(problems []Field) *Error {
	slices.SortStableFunc(problems, func(a, b Field) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		if a.Column != b.Column {
			return a.Column - b.Column
		}
		return strings.Compare(a.Pointer+a.Message, b.Pointer+b.Message)
	})
	message := "the job file has a problem"
	if len(problems) > 1 {
		message = "the job file has " + amount(len(problems), "problems")
	}
	return &Error{Code: CodeInvalidDefinition, Message: message, Fields: problems[:min(len(problems), maxFields)]}
}

// amount says how many problems there are, and which are shown.
func amount(count int, noun string) string {
	text := fmt.Sprintf("%d %s", count, noun)
	if count > maxProblems {
		text = fmt.Sprintf("more than %d %s", maxProblems, noun)
	}
	if count > maxFields {
		text += fmt.Sprintf("; these are the first %d", maxFields)
	}
	return text
}

// checkLabels refuses expressions where they wouldn't be evaluated.
func (c *checker) checkLabels() {
	for _, name := range keysOf(c.def.Labels) {
		if strings.Contains(c.def.Labels[name], "${") {
			c.add([]string{"labels", name}, "labels are plain text, no expression is evaluated here; remove the ${…}")
		}
	}
}
