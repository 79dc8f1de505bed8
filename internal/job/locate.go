package job

import (
	"strings"
	"unicode/utf8"
)

// locate is the place of a byte of a text's value, as far as the file shows
// the text as it is; else the place where the text begins.
func (c *checker) locate(n *node, offset int) position {
	if n.pos.line == 0 || n.kind != kindString || offset > len(n.text) {
		return n.pos
	}
	if n.style == styleBlock {
		return c.locateBlock(n, offset)
	}
	line := c.line(n.pos.line)
	begin := byteOf(line, n.pos.column)
	for _, skip := range []int{0, 1} { // a plain text, or one after a quote
		from := begin + skip
		if from > len(line) || !strings.HasPrefix(line[from:], n.text[:offset]) {
			continue
		}
		if rest := n.text[offset:]; rest != "" && !strings.HasPrefix(line[from+offset:], firstRune(rest)) {
			continue
		}
		return position{line: n.pos.line, column: utf8.RuneCountInString(line[:from+offset]) + 1}
	}
	return n.pos
}

// locateBlock finds a place in a text written with | or >, whose lines begin on the next line.
func (c *checker) locateBlock(n *node, offset int) position {
	before := strings.Split(n.text[:offset], "\n")
	at := n.pos.line + len(before)
	line := c.line(at)
	whole := strings.Split(n.text, "\n")[len(before)-1]
	indent := strings.Index(line, whole)
	if whole == "" || indent < 0 || strings.Trim(line[:indent], " ") != "" {
		return n.pos
	}
	within := before[len(before)-1]
	return position{line: at, column: indent + utf8.RuneCountInString(within) + 1}
}

// line is a 1-based line of the file, which lies in the document; "" when it doesn't.
func (c *checker) line(number int) string {
	if c.lines == nil {
		for rest := c.doc.source; len(rest) > 0; {
			size := lineLength(rest)
			c.lines = append(c.lines, strings.TrimRight(string(rest[:size]), "\r\n"))
			rest = rest[size:]
		}
	}
	if i := number - c.doc.line - 1; i >= 0 && i < len(c.lines) {
		return c.lines[i]
	}
	return ""
}

// byteOf is the offset of a 1-based column, in characters.
func byteOf(line string, column int) int {
	at := 0
	for ; column > 1 && at < len(line); column-- {
		_, size := utf8.DecodeRuneInString(line[at:])
		at += size
	}
	return at
}

// firstRune is the first character of a text.
func firstRune(text string) string {
	_, size := utf8.DecodeRuneInString(text)
	return text[:size]
}
