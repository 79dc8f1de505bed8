package job

import (
	"regexp/syntax"
	"slices"
	"strings"
)

// longestPrefix bounds how much of a text is followed through a pattern.
const longestPrefix = 256

// literalPrefix is what a text begins with before its first expression.
func literalPrefix(text string) string {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(text, "${")
		b.WriteString(before)
		if !found || !strings.HasSuffix(before, "$") {
			return b.String()
		}
		b.WriteString("{") // $${ is ${
		text = after
	}
}

// mayBegin reports whether a text that matches a pattern may begin with a
// prefix: a pattern's ways are followed rune by rune, until there is none.
func mayBegin(pattern, prefix string) bool {
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return true
	}
	prog, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return true
	}
	last, ways := rune(-1), []int{prog.Start}
	for i, r := range prefix {
		if i > longestPrefix {
			return true
		}
		if last >= 0 {
			ways = append(ways, prog.Start) // a match may begin here, too
		}
		runes, matched := closure(prog, ways, last, r)
		if matched {
			return true
		}
		ways = slices.DeleteFunc(runes, func(pc int) bool { return !prog.Inst[pc].MatchRune(r) })
		for j, pc := range ways {
			ways[j] = int(prog.Inst[pc].Out)
		}
		last = r
	}
	return last < 0 || len(ways) > 0 || !anchored(prog)
}

// anchored reports whether a match can begin only where the text does.
func anchored(prog *syntax.Prog) bool { return prog.StartCond()&syntax.EmptyBeginText != 0 }

// closure follows a program from some places between two runes to those that take
// one; matched: one of the ways ends there.
func closure(prog *syntax.Prog, from []int, before, after rune) (runes []int, matched bool) {
	seen := map[int]bool{}
	for stack := slices.Clone(from); len(stack) > 0; {
		pc := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if seen[pc] {
			continue
		}
		seen[pc] = true
		switch in := &prog.Inst[pc]; in.Op {
		case syntax.InstAlt, syntax.InstAltMatch:
			stack = append(stack, int(in.Out), int(in.Arg))
		case syntax.InstCapture, syntax.InstNop:
			stack = append(stack, int(in.Out))
		case syntax.InstEmptyWidth:
			if in.MatchEmptyWidth(before, after) {
				stack = append(stack, int(in.Out))
			}
		case syntax.InstMatch:
			matched = true
		case syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
			runes = append(runes, pc)
		case syntax.InstFail:
		}
	}
	return runes, matched
}
