package activities_test

import (
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fairlead/fairlead/activities"
)

func TestOneLine(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                          "",
		" \r\n\t\n second\nthird":   "second",
		"a\rBcc: x\u2028y\u202ez\n": "a Bcc: x y z",
		"caf\xe9":                   "caf\uFFFD",
		"ünïcödé 日本語 ünïcödé":       "ünïcödé 日本語 …",
	} {
		require.Equal(t, want, activities.OneLine(text, 12), text)
	}
	require.Equal(t, "ééé…", activities.OneLine("éééé", 3))
}

func TestOneLineIsOneLine(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(1, 50).Draw(t, "limit")
		got := activities.OneLine(rapid.String().Draw(t, "text"), limit)
		require.LessOrEqual(t, len([]rune(got)), limit+1)
		require.Equal(t, -1, strings.IndexFunc(got, unicode.IsControl))
	})
}
