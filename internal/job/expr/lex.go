package expr

import "strings"

// part is a piece of a template string: literal text, or the source of one expression.
type part struct {
	text       string
	expression bool
	offset     int // of text, in bytes, in the template string
}

// split cuts a template string into its parts. `$${` is a literal `${`; an
// expression ends at the brace that closes it in CEL's own lexing, so strings,
// comments and nested maps may hold braces.
func split(s string) ([]part, []Problem) {
	var parts []part
	var literal strings.Builder
	flush := func() {
		if literal.Len() > 0 {
			parts = append(parts, part{text: literal.String()})
			literal.Reset()
		}
	}
	for i := 0; i < len(s); {
		switch {
		case strings.HasPrefix(s[i:], "$${"):
			literal.WriteString("${")
			i += 3
		case strings.HasPrefix(s[i:], "${"):
			flush()
			end, problem := closing(s, i+2)
			if problem != nil {
				return parts, []Problem{*problem}
			}
			parts = append(parts, part{text: s[i+2 : end], expression: true, offset: i + 2})
			i = end + 1
		default:
			literal.WriteByte(s[i])
			i++
		}
	}
	flush()
	return parts, nil
}

// closing returns the offset of the brace that closes the expression beginning at start.
func closing(s string, start int) (int, *Problem) {
	depth := 0
	for i := start; i < len(s); {
		c := s[i]
		switch {
		case c == '{':
			depth++
			i++
		case c == '}':
			if depth == 0 {
				return i, nil
			}
			depth--
			i++
		case strings.HasPrefix(s[i:], "//"):
			i = lineEnd(s, i)
		case isWord(c):
			word := i
			for i < len(s) && isWord(s[i]) {
				i++
			}
			if i < len(s) && isQuote(s[i]) && isPrefix(s[word:i]) {
				end := quoted(s, i, strings.ContainsAny(s[word:i], "rR"))
				if end < 0 {
					return 0, unclosedString(word)
				}
				i = end
			}
		case isQuote(c) || c == '`':
			end := quoted(s, i, c == '`')
			if end < 0 {
				return 0, unclosedString(i)
			}
			i = end
		default:
			i++
		}
	}
	return 0, &Problem{Offset: start - 2, Message: "`${` has no closing `}`; for the two characters themselves write `$${`"}
}

func unclosedString(offset int) *Problem {
	return &Problem{Offset: offset, Message: "the string that begins here has no closing quote"}
}

// quoted returns the offset after the string literal whose quote is at i, -1
// when it isn't closed. A string in single quotes can't hold a line break.
func quoted(s string, i int, raw bool) int {
	quote := s[i : i+1]
	triple := quote != "`" && strings.HasPrefix(s[i:], strings.Repeat(quote, 3))
	if triple {
		quote = strings.Repeat(quote, 3)
	}
	for i += len(quote); i < len(s); i++ {
		switch {
		case !raw && s[i] == '\\':
			i++
		case strings.HasPrefix(s[i:], quote):
			return i + len(quote)
		case !triple && (s[i] == '\n' || s[i] == '\r'):
			return -1
		}
	}
	return -1
}

func lineEnd(s string, i int) int {
	if n := strings.IndexByte(s[i:], '\n'); n >= 0 {
		return i + n
	}
	return len(s)
}

// isPrefix reports whether word makes the string literal after it raw or bytes.
func isPrefix(word string) bool {
	switch strings.ToLower(word) {
	case "r", "b", "br", "rb":
		return true
	}
	return false
}

func isQuote(c byte) bool { return c == '\'' || c == '"' }

func isWord[C byte | rune](c C) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
