package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
)

const (
	outputText = "text"
	outputJSON = "json"
)

// clean makes text from elsewhere safe for a terminal: one line, without control
// characters and without marks that turn the direction of writing.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case unicode.IsControl(r), r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
			return -1
		}
		return r
	}, s)
}

// cleanLines is [clean] for a text of several lines.
func cleanLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = clean(line)
	}
	return strings.Join(lines, "\n")
}

// short cuts text to so many characters.
func short(s string, length int) string {
	runes := []rune(s)
	if len(runes) <= length {
		return s
	}
	return string(runes[:length-1]) + "…"
}

// printJSON writes one value, indented.
func (a *App) printJSON(value any) error {
	encoder := json.NewEncoder(a.Stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

// say writes one line of the command's own.
func (a *App) say(format string, args ...any) {
	_, _ = fmt.Fprintf(a.Stdout, format+"\n", args...)
}

// table writes rows of aligned columns, the first row being the heads.
func table(w io.Writer, rows [][]string) error {
	tabs := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for _, row := range rows {
		for i, cell := range row {
			row[i] = clean(cell)
		}
		_, _ = fmt.Fprintln(tabs, strings.TrimRight(strings.Join(row, "\t"), "\t"))
	}
	return tabs.Flush()
}

// stamp is a time to the second, in UTC.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// took is how long something lasted: "" before it began, up to now before it ended.
func took(start, end *time.Time, now time.Time) string {
	if start == nil {
		return ""
	}
	if end != nil {
		now = *end
	}
	span := now.Sub(*start)
	if span < time.Second {
		return span.Round(time.Millisecond).String()
	}
	return span.Round(10 * time.Millisecond).String()
}
