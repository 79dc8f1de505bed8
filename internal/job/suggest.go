package job

import (
	"maps"
	"slices"
	"strings"
)

// didYouMean is "; did you mean `x`?" for the name nearest to what was written, or "".
func didYouMean(wrote string, names []string) string {
	if near := nearest(wrote, names); near != "" {
		return "; did you mean `" + near + "`?"
	}
	return ""
}

// nearest returns the name that differs least from what was written, when a
// slip may be the difference: one letter, or up to a third of them.
func nearest(wrote string, names []string) string {
	best, least := "", max(1, len([]rune(wrote))/3)
	if len(wrote) > maxKey {
		return ""
	}
	for _, name := range slices.Sorted(slices.Values(names)) {
		if strings.EqualFold(name, wrote) {
			return name
		}
		if distance := edits(strings.ToLower(wrote), strings.ToLower(name)); distance <= least && (distance < least || best == "") {
			best, least = name, distance
		}
	}
	return best
}

// edits is the optimal string alignment distance: inserts, deletes, replaces and swaps of neighbours.
func edits(a, b string) int {
	from, to := []rune(a), []rune(b)
	before, last := make([]int, len(to)+1), make([]int, len(to)+1)
	for j := range last {
		last[j] = j
	}
	for i := range from {
		row := make([]int, len(to)+1)
		row[0] = i + 1
		for j := range to {
			cost := 1
			if from[i] == to[j] {
				cost = 0
			}
			row[j+1] = min(row[j]+1, last[j+1]+1, last[j]+cost)
			if i > 0 && j > 0 && from[i] == to[j-1] && from[i-1] == to[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last = last, row
	}
	return last[len(to)]
}

// keysOf returns a map's keys, sorted.
func keysOf[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// choices lists names in a message: `a`, `b` or `c`.
func choices(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = "`" + name + "`"
	}
	if len(quoted) < 2 {
		return strings.Join(quoted, "")
	}
	return strings.Join(quoted[:len(quoted)-1], ", ") + " or " + quoted[len(quoted)-1]
}
