package expr

import (
	"io"
	"regexp"
	"regexp/syntax"
	"unicode/utf8"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// maxPattern bounds a regular expression, in bytes: a longer one takes long to compile.
const maxPattern = 1000

// RE2 never backtracks: a match takes at most as long as the text times the
// pattern's program. matching is the work of one: of matches(s, pattern).
func matching(args []ref.Val) uint64 {
	program, work := programOf(args[1])
	if program == nil {
		return work
	}
	return work + times(textLen(args[0]), uint64(len(program.Inst)))/textPerUnit
}

// matchingAll is the work of finding every match, and of replacing each. A match
// may look at all of the text that follows it, so that all of them may look at
// its square.
func matchingAll(args []ref.Val) uint64 {
	program, work := programOf(args[1])
	if program == nil {
		return work
	}
	text, _ := args[0].(types.String)
	pattern, _ := args[1].(types.String)
	read, found := scanned(string(pattern), string(text), program)
	work += found + times(read, uint64(len(program.Inst)))/textPerUnit
	if len(args) > 2 {
		replacement, _ := args[2].(types.String)
		groups := occurrences(string(replacement), `\`) // each may put in a whole match
		work += (times(found, textLen(replacement)) + times(groups, textLen(text))) / textPerUnit
	}
	return work
}

// programOf compiles a pattern; the program is nil when there is none. work is
// that of compiling it.
func programOf(v ref.Val) (program *syntax.Prog, work uint64) {
	if textLen(v) > maxPattern {
		return nil, maxCost + 1
	}
	pattern, _ := v.(types.String)
	parsed, err := syntax.Parse(string(pattern), syntax.Perl)
	if err != nil {
		return nil, 1
	}
	program, err = syntax.Compile(parsed.Simplify())
	if err != nil {
		return nil, 1
	}
	const perInstruction = 5
	return program, 1 + uint64(len(program.Inst))*perInstruction
}

// scanned is how many runes finding every match in a text reads, and how many
// matches there are; more than may be done means that it is too much.
func scanned(pattern, text string, program *syntax.Prog) (read, found uint64) {
	size := uint64(len(text)) + 1
	for _, instruction := range program.Inst {
		if instruction.Op == syntax.InstEmptyWidth { // ^, \b, …: it looks back from where the reading begins
			return times(size, min(size, longest(pattern)+1)), size
		}
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return 0, 0
	}
	most := uint64(maxCost * textPerUnit / len(program.Inst))
	reader := &runes{most: most}
	for at := 0; at <= len(text) && reader.read <= most; found++ {
		reader.rest = text[at:]
		match := re.FindReaderIndex(reader)
		if match == nil {
			break
		}
		if match[1] == 0 {
			_, width := utf8.DecodeRuneInString(text[at:])
			match[1] = max(width, 1)
		}
		at += match[1]
		reader.read++
	}
	return reader.read, found
}

// runes reads a text up to a number of runes, and counts them.
type runes struct {
	rest       string
	read, most uint64
}

// ReadRune implements [io.RuneReader].
func (r *runes) ReadRune() (rune, int, error) {
	if r.rest == "" || r.read > r.most {
		return 0, 0, io.EOF
	}
	next, width := utf8.DecodeRuneInString(r.rest)
	r.rest = r.rest[width:]
	r.read++
	return next, width, nil
}

// unlimited is the length of what a pattern can match when nothing bounds it.
const unlimited = 1 << 40

// longest is the most runes that a pattern can match.
func longest(pattern string) uint64 {
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return 0
	}
	return span(parsed)
}

func span(re *syntax.Regexp) uint64 {
	switch re.Op {
	case syntax.OpLiteral:
		return uint64(len(re.Rune))
	case syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return 1
	case syntax.OpStar, syntax.OpPlus:
		return unlimited
	case syntax.OpRepeat:
		if re.Max < 0 {
			return unlimited
		}
		return times(span(re.Sub[0]), uint64(re.Max))
	default:
	}
	var total uint64
	for _, sub := range re.Sub {
		if re.Op == syntax.OpAlternate {
			total = max(total, span(sub))
		} else {
			total = min(total+span(sub), unlimited)
		}
	}
	return total
}

// pattern refuses a literal regular expression that is none.
func (a *analysis) pattern(e ast.Expr, call ast.CallExpr) {
	name, args := call.FunctionName(), call.Args()
	if call.IsMemberFunction() && isIdent(call.Target(), "regex") && !a.visible("regex") {
		name, args = "regex."+name, args[min(1, len(args)):]
	} else if name != overloads.Matches {
		return
	}
	if len(args) == 0 {
		return
	}
	if !call.IsMemberFunction() {
		args = args[len(args)-1:] // matches(text, pattern)
	}
	literal, ok := text(args[0])
	if !ok {
		return
	}
	if len(literal) > maxPattern {
		a.report(e, a.at(args[0]), "the pattern is longer than %d bytes", maxPattern)
	} else if _, err := regexp.Compile(literal); err != nil {
		a.report(e, a.at(args[0]), "%s", unreadable(name))
	}
}
