package expr

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// formatTime formats t by a pattern of Unicode's date fields
// (https://unicode.org/reports/tr35/tr35-dates.html): the letters that fields
// lists, text in single quotes, ” for a quote. Names are English.
func formatTime(t time.Time, pattern string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(pattern); {
		c := pattern[i]
		switch {
		case c == '\'':
			text, next, err := quotedText(pattern, i)
			if err != nil {
				return "", err
			}
			b.WriteString(text)
			i = next
		case 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z':
			n := 1
			for i+n < len(pattern) && pattern[i+n] == c {
				n++
			}
			text, ok := field(t, c, n)
			if !ok {
				return "", fmt.Errorf("%q in the pattern %q is unknown; it takes %s, and plain text in 'quotes'", pattern[i:i+n], pattern, fields)
			}
			b.WriteString(text)
			i += n
		default:
			b.WriteByte(c)
			i++
		}
	}
	return b.String(), nil
}

const fields = "yyyy yy Q MMMM MMM MM M dd d D EEEE EEE HH H hh h a mm m ss s S… XXX X Z"

// field formats one field of a pattern: letter, n times.
func field(t time.Time, letter byte, n int) (string, bool) {
	switch letter {
	case 'y':
		if n == 2 {
			return pad(t.Year()%100, 2), true
		}
		return pad(t.Year(), n), n <= 4
	case 'Q':
		return pad((int(t.Month())-1)/3+1, n), n <= 2
	case 'M':
		return month(t, n)
	case 'd':
		return pad(t.Day(), n), n <= 2
	case 'D':
		return pad(t.YearDay(), n), n <= 3
	case 'E':
		if n <= 3 {
			return t.Format("Mon"), true
		}
		return t.Format("Monday"), n == 4
	case 'S':
		return fraction(t, n)
	case 'X', 'Z':
		return offset(t, letter, n)
	}
	return clock(t, letter, n)
}

func clock(t time.Time, letter byte, n int) (string, bool) {
	switch letter {
	case 'H':
		return pad(t.Hour(), n), n <= 2
	case 'h':
		return pad((t.Hour()+11)%12+1, n), n <= 2
	case 'm':
		return pad(t.Minute(), n), n <= 2
	case 's':
		return pad(t.Second(), n), n <= 2
	case 'a':
		return t.Format("PM"), n == 1
	}
	return "", false
}

func month(t time.Time, n int) (string, bool) {
	switch n {
	case 3:
		return t.Format("Jan"), true
	case 4:
		return t.Format("January"), true
	}
	return pad(int(t.Month()), n), n <= 2
}

// fraction is the first n digits of the second's fraction.
func fraction(t time.Time, n int) (string, bool) {
	const digits = 9
	if n > digits {
		return "", false
	}
	return pad(t.Nanosecond(), digits)[:n], true
}

// offset is the zone's offset: X is Z or +02, XX +0200, XXX +02:00; Z is always +0200.
func offset(t time.Time, letter byte, n int) (string, bool) {
	if letter == 'Z' {
		return t.Format("-0700"), n <= 3
	}
	layouts := []string{"Z07", "Z0700", "Z07:00"}
	if n > len(layouts) {
		return "", false
	}
	return t.Format(layouts[n-1]), true
}

func pad(v, width int) string {
	text := strconv.Itoa(v)
	return strings.Repeat("0", max(0, width-len(text))) + text
}

// quotedText reads the quoted text that begins at i, and returns the offset after it.
func quotedText(pattern string, i int) (text string, next int, err error) {
	if strings.HasPrefix(pattern[i:], "''") {
		return "'", i + 2, nil
	}
	var b strings.Builder
	for i++; i < len(pattern); i++ {
		if pattern[i] != '\'' {
			b.WriteByte(pattern[i])
			continue
		}
		if !strings.HasPrefix(pattern[i:], "''") {
			return b.String(), i + 1, nil
		}
		b.WriteByte('\'')
		i++
	}
	return "", 0, fmt.Errorf("the quote in the pattern %q isn't closed", pattern)
}
