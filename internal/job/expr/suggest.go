package expr

import (
	"fmt"
	"slices"
	"strings"
)

const (
	// listed is how many names a message lists at most.
	listed = 12
	// longestName is the most characters of a name that a nearest one is looked for.
	longestName = 256
)

// suggest is " (did you mean `x`?)" for the candidate nearest to name, "" when none is near.
func suggest(name string, candidates []string) string {
	near := Nearest(name, candidates)
	if near == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean `%s`?)", near)
}

// Nearest returns the name that differs least from what was written, in upper
// or lower case, when a slip may be the difference: one letter, or up to a third
// of them. It is "" when none is near; of equals it is the first in order.
func Nearest(wrote string, names []string) string {
	from := []rune(strings.ToLower(wrote))
	if len(from) > longestName {
		return ""
	}
	best, least := "", max(1, len(from)/3)
	for _, name := range slices.Sorted(slices.Values(names)) {
		if strings.EqualFold(name, wrote) {
			return name
		}
		to := []rune(strings.ToLower(name))
		if more := len(to) - len(from); more > least || -more > least {
			continue // as many edits at least
		}
		if d := distance(from, to, least); d <= least && (d < least || best == "") {
			best, least = name, d
		}
	}
	return best
}

// enumerate is "`a`, `b` and 3 more"; "none" for no names.
func enumerate(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	shown := names[:min(len(names), listed)]
	text := "`" + strings.Join(shown, "`, `") + "`"
	if more := len(names) - len(shown); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// distance is the optimal string alignment distance of two names: inserts,
// deletes, replaces and swaps of neighbors. Over most it is more than most, no
// more is known: only the cells that may come to most are worked out.
func distance(from, to []rune, most int) int {
	before, previous, row := make([]int, len(to)+1), make([]int, len(to)+1), make([]int, len(to)+1)
	for j := range previous {
		previous[j] = j
	}
	for i := 1; i <= len(from); i++ {
		low, high := max(1, i-most), min(len(to), i+most)
		row[low-1] = most + 1
		if low == 1 {
			row[0] = i
		}
		for j := low; j <= high; j++ {
			replace := previous[j-1]
			if from[i-1] != to[j-1] {
				replace++
			}
			row[j] = min(replace, previous[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && from[i-1] == to[j-2] && from[i-2] == to[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		if high < len(to) {
			row[high+1] = most + 1
		}
		before, previous, row = previous, row, before
	}
	return previous[len(to)]
}
