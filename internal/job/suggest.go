package job

import (
	"maps"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/internal/job/expr"
)

// didYouMean is "; did you mean `x`?" for the name nearest to what was written, or "".
func didYouMean(wrote string, names []string) string {
	if near := expr.Nearest(wrote, names); near != "" {
		return "; did you mean `" + near + "`?"
	}
	return ""
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
