package expr_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fairlead/fairlead/internal/job/expr"
)

func TestNearest(t *testing.T) {
	t.Parallel()
	names := []string{"größe", "url", "method", "maxBytes", "text"}
	for wrote, want := range map[string]string{
		"metod": "method", "METHOD": "method", "mehtod": "method", "grösse": "größe", "gröse": "größe", "größee": "größe", "maxbites": "maxBytes",
		"ulr": "url", "u": "", "password": "", "": "", strings.Repeat("x", 300): "",
	} {
		require.Equal(t, want, expr.Nearest(wrote, names), wrote)
	}
	require.Equal(t, "ab", expr.Nearest("ax", []string{"ay", "ab"}), "of equals the first in order")
	require.Empty(t, expr.Nearest("ööö", []string{"öää"}), "letters are counted, not bytes")
}

// A slip is found whatever the name, and wherever it is.
func TestNearestFindsOneSlip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[a-zé]{2,30}`).Draw(t, "name")
		letters := []rune(name)
		at := rapid.IntRange(0, len(letters)-2).Draw(t, "at")
		switch rapid.IntRange(0, 3).Draw(t, "slip") {
		case 0:
			letters[at] = '9'
		case 1:
			letters = append(letters[:at], letters[at+1:]...)
		case 2:
			letters = append(letters[:at], append([]rune{'9'}, letters[at:]...)...)
		case 3:
			letters[at], letters[at+1] = letters[at+1], letters[at]
		}
		require.Equal(t, name, expr.Nearest(string(letters), []string{"0123456789_0123456789_0123456789", name}))
	})
}
