package job

import (
	"bytes"
	"regexp"
	"slices"
)

// word is what may name a step in an expression.
var word = regexp.MustCompile(`[a-z][a-z0-9_]*`)

// findWords keeps the words of every text that holds an expression. They are read
// from the text: compiling all expressions of a large job takes too long for
// where it is asked, and a word too many does no harm.
func (p *Program) findWords() {
	for _, source := range p.sources {
		for _, found := range word.FindAll(source.text, -1) {
			p.words[string(found)] = true
		}
	}
}

// Mentions reports whether an expression of the job may refer to the step: if
// not, nobody needs its output but its reader.
func (p *Program) Mentions(step string) bool { return p.words[step] }

// findVariables are the team variables that expressions name. Only the texts
// with the word in them are compiled.
func (p *Program) findVariables() []string {
	var names []string
	for _, source := range p.sources {
		if !bytes.Contains(source.text, []byte(rootVars)) {
			continue
		}
		if refs, err := source.refs(); err == nil {
			names = append(names, named(refs, rootVars)...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
