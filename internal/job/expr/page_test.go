package expr_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/job/expr"
)

// page is docs/expressions.md: its values and the rows of its tables.
type page struct {
	text      string
	scope     expr.Scope
	examples  []example // of functions and operators
	templates []example // of whole values
}

type example struct {
	names  string // the column that says what it is an example of
	source string
	result string
}

var (
	codeSpan = regexp.MustCompile("`([^`]*)`")
	called   = regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_.]*\(`)
	sample   = regexp.MustCompile("(?s)```json\n(.*?)```")
)

func readPage(tb testing.TB) page {
	tb.Helper()
	raw, err := os.ReadFile("../../../docs/expressions.md")
	require.NoError(tb, err)
	p := page{text: string(raw)}
	block := sample.FindStringSubmatch(p.text)
	require.NotNil(tb, block, "the values of the examples")
	scope, err := expr.Decode([]byte(block[1]))
	require.NoError(tb, err)
	p.scope = scope.(map[string]any)
	p.text = sample.ReplaceAllString(p.text, "")
	for line := range strings.Lines(p.text) {
		columns := strings.Split(strings.ReplaceAll(strings.TrimSpace(line), `\|`, "\x00"), " | ")
		for i := range columns {
			columns[i] = strings.Trim(strings.ReplaceAll(columns[i], "\x00", "|"), "| ")
		}
		last := len(columns) - 1
		if !strings.HasPrefix(line, "| `") || !strings.HasPrefix(columns[last], "`") {
			continue
		}
		row := example{columns[0], strings.Trim(columns[max(last-1, 0)], "`"), strings.Trim(columns[last], "`")}
		switch len(columns) {
		case 2:
			p.templates = append(p.templates, row)
		case 4:
			p.examples = append(p.examples, row)
		}
	}
	return p
}

// Every example on the page gives what the page says, with types and without.
func TestPage(t *testing.T) {
	t.Parallel()
	p := readPage(t)
	env, err := expr.NewEnv(expr.Types{})
	require.NoError(t, err)
	for _, e := range p.examples {
		source := "${" + e.source + "}"
		value, err := late(source, p.scope)
		require.NoError(t, err, e.source)
		require.Equal(t, e.result, text(t, value), e.source)
		typed, problems := env.Single(source, expr.WantAny)
		require.Empty(t, problems, e.source)
		value, err = typed.Value(p.scope)
		require.NoError(t, err, e.source)
		require.Equal(t, e.result, text(t, value), e.source)
	}
	require.GreaterOrEqual(t, len(p.templates), 9)
	for _, e := range p.templates {
		template, err := expr.Decode([]byte(e.source))
		require.NoError(t, err, e.source)
		value, err := late(template, p.scope)
		require.NoError(t, err, e.source)
		require.Equal(t, e.result, text(t, value), e.source)
	}
}

// Every function and operator has an example, and the page names no other function.
func TestPageIsComplete(t *testing.T) {
	t.Parallel()
	p := readPage(t)
	functions, err := expr.Functions()
	require.NoError(t, err)
	shown := map[string]bool{}
	for _, e := range p.examples {
		for _, name := range functionsIn(t, functions, e.names) {
			if slices.Contains(functionsIn(t, functions, e.source), name) {
				shown[name] = true
			}
		}
		for _, sign := range expr.Operators() {
			written := map[string]string{"[…]": "a[0]", "[?…]": "a[?b]", "? :": "a ? b : c"}[sign]
			for _, form := range []string{written, "a " + sign + " b", sign + "a"} {
				shown[sign] = shown[sign] || form != "" && strings.Contains(e.names, "`"+form+"`")
			}
		}
	}
	for _, name := range slices.Concat(functions, expr.Operators()) {
		require.True(t, shown[name], "%s has no example in docs/expressions.md", name)
	}
	functionsIn(t, functions, p.text) // fails when there is no such function
}

// functionsIn are the functions that the code in a text calls.
func functionsIn(tb testing.TB, functions []string, text string) []string {
	tb.Helper()
	spans := codeSpan.FindAllString(text, -1)
	if len(spans) == 0 {
		spans = []string{text}
	}
	var found []string
	for _, span := range spans {
		for _, name := range called.FindAllString(span, -1) {
			name = strings.TrimSuffix(name, "(")
			if !slices.Contains(functions, name) {
				space := name[:max(strings.LastIndex(name, "."), 0)]
				require.False(tb, slices.ContainsFunc(functions, func(f string) bool { return space != "" && strings.HasPrefix(f, space+".") }), "there is no function %s", name)
				name = name[strings.LastIndex(name, ".")+1:]
			}
			require.Contains(tb, functions, name)
			found = append(found, name)
		}
	}
	return found
}

// text is a value as JSON.
func text(tb testing.TB, value any) string {
	tb.Helper()
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	require.NoError(tb, encoder.Encode(value))
	return strings.TrimSuffix(b.String(), "\n")
}
