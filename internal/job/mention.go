package job

import (
	"bytes"
	"regexp"
)

// word is what may name a step in an expression.
var word = regexp.MustCompile(`[a-z][a-z0-9_]*`)

// wordsOf are the words of every value that holds an expression. It is read
// from the text: compiling all expressions of a large job takes too long for
// where it is asked, and a word too many does no harm.
func wordsOf(def *Definition) map[string]bool {
	words := map[string]bool{}
	add := func(text []byte) {
		if bytes.Contains(text, []byte("${")) {
			for _, found := range word.FindAll(text, -1) {
				words[string(found)] = true
			}
		}
	}
	for i := range def.Steps {
		add([]byte(def.Steps[i].If))
		add(def.Steps[i].With)
	}
	add(def.Output)
	return words
}

// Mentions reports whether an expression of the job may refer to the step: if
// not, nobody needs its output but its reader.
func (p *Program) Mentions(step string) bool { return p.words[step] }
