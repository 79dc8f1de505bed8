package job

import (
	"fmt"
	"slices"
	"strings"
)

// checker finds the problems of one document; it never stops at the first.
type checker struct {
	doc  document
	root *node
	def  *Definition
	team Team
	// standard is what the job's defaults come to.
	standard usual
	// main, finally and every group's steps are levels, in the order of the file.
	main, finally *level
	levels        []*level
	// sites are all steps of the file, ids the first ones that have an ID.
	sites []*site
	ids   map[string]*site
	// called are the callbacks that some step passes on.
	called map[string]bool
	// crowded: the defaults grow to more than they may.
	crowded  bool
	problems []Field
	kept     map[Field]bool // the problems, to keep each once
	told     map[fault]bool // the faults of expressions that have been told
	warnings []Field
	// refused are the pointers that the grammar refuses: their meaning isn't looked at.
	refused map[string]bool
	// dropped are the pointers of keys that can't be where they are: nothing in them is looked at.
	dropped map[string]bool
	// lines are the document's, to find places inside texts.
	lines []string
}

// newChecker returns a checker of a parsed document.
func newChecker(doc document, root *node) *checker {
	return &checker{doc: doc, root: root, ids: map[string]*site{}, called: map[string]bool{}, kept: map[Field]bool{}, told: map[fault]bool{}, refused: map[string]bool{}, dropped: map[string]bool{}}
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
	if !c.countSteps() {
		return // the rest would take too long to say
	}
	c.checkSteps()
	for _, s := range c.sites {
		c.checkStepForm(s)
	}
	c.checkRetries()
	c.warnOfNoEffect()
	c.mergeWith()
	c.checkChildren()
	c.checkWith()
	if c.countExpressions() {
		c.checkExpressions()
	}
}

// checkStepForm checks what a step says beside its expressions and arguments.
func (c *checker) checkStepForm(s *site) {
	c.checkKind(s)
	c.checkForeach(s)
	c.checkContinue(s)
	c.checkCovered(s)
	c.checkWait(s)
	c.checkApproval(s)
	c.checkPoll(s)
}

// countSteps reports whether a job has no more steps than it may have.
func (c *checker) countSteps() bool {
	c.layOut()
	if len(c.def.Steps) > MaxSteps {
		return false // the grammar says so
	}
	if len(c.sites) > MaxSteps {
		c.add([]string{"steps"}, fmt.Sprintf("the job has %d steps, those in groups and in `finally` counted; at most %d are allowed: use `foreach`, or split the job",
			len(c.sites), MaxSteps))
		return false
	}
	return true
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
	if c.refused[pointer] || c.full() || c.isDropped(path) {
		return
	}
	problem := Field{Pointer: pointer, Line: pos.line, Column: pos.column, Message: message}
	if !c.kept[problem] {
		c.kept[problem] = true
		c.problems = append(c.problems, problem)
	}
}

// refuse keeps a problem of a value, and that its meaning isn't looked at any further.
func (c *checker) refuse(path []string, message string) {
	c.add(path, message)
	c.refused[pointerOf(path...)] = true
}

// drop keeps a problem of a key that can't be where it is.
func (c *checker) drop(path []string, message string) {
	c.addKey(path, message)
	c.dropped[pointerOf(path...)] = true
}

// isDropped reports whether a path is in something that can't be where it is.
func (c *checker) isDropped(path []string) bool {
	if len(c.dropped) == 0 {
		return false
	}
	for i := range path {
		if c.dropped[pointerOf(path[:i+1]...)] {
			return true
		}
	}
	return false
}

// invalid is the one error of a file's problems, sorted by place.
func invalid(problems []Field) *Error {
	sortByPlace(problems)
	message := "the job file has a problem"
	if len(problems) > 1 {
		message = "the job file has " + amount(len(problems), "problems")
	}
	return &Error{Code: CodeInvalidDefinition, Message: message, Fields: problems[:min(len(problems), maxFields)]}
}

// sortByPlace sorts problems in the order of the file.
func sortByPlace(problems []Field) {
	slices.SortStableFunc(problems, func(a, b Field) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		if a.Column != b.Column {
			return a.Column - b.Column
		}
		return strings.Compare(a.Pointer+a.Message, b.Pointer+b.Message)
	})
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
