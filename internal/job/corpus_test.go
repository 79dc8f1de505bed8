package job_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// untold are parts of messages that no file can bring about: defects of a build,
// and bounds that take a file too large to keep.
var untold = []string{
	"the input schema can't be used", "the schema can't be used", "it is not allowed as a key here",
	"at most %d are allowed: split the job", "at most %d are allowed: use `foreach`", "the defaults grow to more than",
	"is none of the alternatives", "is what the schema forbids", "here one value is checked by more than", "$ref, allOf, anyOf and the like multiply",
	"the job file has", "; these are the first", // the head of an answer
	"leads to a schema over more than", "no value is allowed here", "no keys are allowed here",
}

// literals are the texts of a source file that are at least a few words long.
func literals(t *testing.T, file string) []string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	require.NoError(t, err)
	var texts []string
	ast.Inspect(parsed, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok && strings.HasPrefix(name(call.Fun), "warn") {
			return false // a warning refuses nothing
		}
		literal, ok := n.(*ast.BasicLit)
		if !ok || literal.Kind != token.STRING {
			return true
		}
		text, err := strconv.Unquote(literal.Value)
		require.NoError(t, err)
		if strings.Count(strings.TrimSpace(text), " ") > 2 && !strings.Contains(text, `"type":`) {
			texts = append(texts, text)
		}
		return true
	})
	return texts
}

// name is that of a called function or method.
func name(called ast.Expr) string {
	switch f := called.(type) {
	case *ast.SelectorExpr:
		return f.Sel.Name
	case *ast.Ident:
		return f.Name
	}
	return ""
}

// Every message that the checks of a file's meaning can give is in an answer of
// the corpus, so that somebody has read it as an author would.
func TestTheWrongFilesBringAboutEveryMessage(t *testing.T) {
	t.Parallel()
	answers, err := filepath.Glob("testdata/wrong/*.txt")
	require.NoError(t, err)
	var told strings.Builder
	for _, file := range answers {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		told.Write(text)
	}
	for _, part := range untold {
		assert.NotContains(t, told.String(), part, "a file brings it about")
	}
	stale := slices.Clone(untold)
	verb := regexp.MustCompile(`%[a-z]`)
	sources, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, file := range sources {
		if !regexp.MustCompile(`^(check|decode|explain|otherwords|views|scoping)[a-z]*\.go$`).MatchString(file) {
			continue
		}
		for _, text := range literals(t, file) {
			stale = slices.DeleteFunc(stale, func(part string) bool { return strings.Contains(text, part) })
			if slices.ContainsFunc(untold, func(part string) bool { return strings.Contains(text, part) }) {
				continue
			}
			for _, part := range verb.Split(text, -1) {
				if !strings.Contains(told.String(), strings.TrimSpace(part)) {
					t.Errorf("%s: no file in testdata/wrong brings about %q", file, part)
				}
			}
		}
	}
	assert.Empty(t, stale, "no message has these parts")
}
