package activities

import (
	"strings"
	"unicode"
)

// OneLine is the first line of text that isn't blank, without control and
// format characters, cut to limit characters: what a message, a subject or a
// header shows of a text from outside.
func OneLine(text string, limit int) string {
	for line := range strings.Lines(strings.ToValidUTF8(text, "\uFFFD")) {
		line = strings.TrimSpace(strings.Map(plain, line))
		if line == "" {
			continue
		}
		if runes := []rune(line); len(runes) > limit {
			return string(runes[:limit]) + "…"
		}
		return line
	}
	return ""
}

// plain is a space for what doesn't print, and for the line breaks that [strings.Lines] doesn't know.
func plain(r rune) rune {
	if unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) {
		return ' '
	}
	return r
}
