package job_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/job"
)

// listed are n parts of a JSON list or object.
func listed(n int, part func(i int) string) string {
	parts := make([]string, n)
	for i := range parts {
		parts[i] = part(i)
	}
	return strings.Join(parts, ",")
}

// A file may be wrong in as many places as it has room for. That the problems
// are counted to a bound and no further shows that the work ends there.
func TestLoadStopsLookingForProblems(t *testing.T) {
	t.Parallel()
	const (
		head = `{"apiVersion":"fairlead/v1","name":"flood",`
		step = `"steps":[{"id":"a","uses":"http","with":{"url":"https://a.example"}}]`
		many = 10_000
	)
	with := func(argument string) string {
		return head + `"steps":[{"id":"a","uses":"http","with":{"url":"https://a.example","method":"POST",` + argument + `}}]}`
	}
	for name, source := range map[string]string{
		"expressions":       with(`"json":[` + listed(many, func(int) string { return `"${x}"` }) + `]`),
		"in one text":       with(`"text":"` + strings.Repeat("${x} ", many) + `"`),
		"in one expression": with(`"text":"${[` + listed(1000, func(int) string { return "x" }) + `]}"`),
		"templates' keys":   with(`"json":{` + listed(many, func(i int) string { return fmt.Sprintf(`"${%d}":1`, i) }) + `}`),
		"arguments":         with(`"headers":{` + listed(many, func(i int) string { return fmt.Sprintf(`"h%d":{}`, i) }) + `}`),
		"unknown keys":      head + listed(many, func(i int) string { return fmt.Sprintf(`"k%d":1`, i) }) + `,` + step + `}`,
		"labels":            head + `"labels":{` + listed(many, func(i int) string { return fmt.Sprintf(`"k%d":"${x}"`, i) }) + `},` + step + `}`,
		"needs": head + `"steps":[{"id":"a","uses":"http","with":{"url":"https://a.example"},"needs":[` +
			listed(many, func(i int) string { return fmt.Sprintf(`"s%d"`, i) }) + `]}]}`,
		"steps that aren't there": head + `"steps":[` + listed(500, func(i int) string {
			return fmt.Sprintf(`{"id":"s%d","uses":"http","with":{"url":"https://a.example/${steps.nope.output}"}}`, i)
		}) + `]}`,
		"keywords": head + `"input":{` + listed(many, func(i int) string { return fmt.Sprintf(`"k%d":1`, i) }) + `},` + step + `}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := job.Load([]byte(source))
			var failed *job.Error
			require.ErrorAs(t, err, &failed)
			require.Equal(t, job.CodeInvalidDefinition, failed.Code)
			require.Equal(t, "the job file has more than 200 problems; these are the first 100", failed.Message)
			require.Len(t, failed.Fields, 100)
		})
	}
}

func TestLoadStopsAtTheDocumentThatHasTooManyProblems(t *testing.T) {
	t.Parallel()
	document := "---\napiVersion: fairlead/v1\nname: wrong\nsteps:\n" + strings.Repeat("  - {id: a, uses: nothing}\n", 150)
	_, err := job.Load([]byte(strings.Repeat(document, 2) + "---\n{\n"))
	require.ErrorContains(t, err, "more than 200 problems")
}

// A small file may mean much work without one mistake in it.
func TestLoadBoundsWhatAFileGrowsTo(t *testing.T) {
	t.Parallel()
	const head = `{"apiVersion":"fairlead/v1","name":"growth",`
	steps := `"steps":[` + listed(1000, func(i int) string { return fmt.Sprintf(`{"id":"s%d","uses":"http"}`, i) }) + `]}`
	schema := func(defs string) string {
		return head + `"input":{"type":"object","properties":{"a":{"$ref":"#/$defs/d0"}},"$defs":{` + defs +
			`}},"steps":[{"id":"a","uses":"http","with":{"url":"https://a.example"}}]}`
	}
	for name, test := range map[string]struct{ source, says string }{
		"expressions": {
			head + `"steps":[{"id":"a","uses":"http","with":{"url":"https://a.example","json":["` + strings.Repeat("${1}", 20_001) + `"]}}]}`,
			"the job has 20001 expressions",
		},
		"expressions of the defaults": {
			head + `"defaults":{"with":{"http":{"url":"https://a.example","text":"` + strings.Repeat("${1}", 21) + `"}}},` + steps,
			"the job has 21000 expressions",
		},
		"values of the defaults": {
			head + `"defaults":{"with":{"http":{"url":"https://a.example","json":[` + strings.Repeat("1,", 200) + `1]}}},` + steps,
			"/defaults/with: the defaults grow to more than 100000 values",
		},
		"bytes of the defaults": {
			head + `"defaults":{"with":{"http":{"url":"https://a.example","text":"` + strings.Repeat("x", 20_000) + `"}}},` + steps,
			"/defaults/with: the defaults grow to more than 100000 values or 16777216 bytes",
		},
		"a row of references": {
			schema(listed(200, func(i int) string { return fmt.Sprintf(`"d%d":{"$ref":"#/$defs/d%d"}`, i, i+1) }) + `,"d200":{}`),
			"leads to a schema over more than 100 others",
		},
		"references that multiply": {
			schema(listed(60, func(i int) string {
				return fmt.Sprintf(`"d%d":{"allOf":[{"$ref":"#/$defs/d%d"},{"$ref":"#/$defs/d%d"}]}`, i, i+1, i+1)
			}) + `,"d60":{}`),
			"/input/$defs/d0: here one value is checked by more than 1000 schemas",
		},
		"a schema that is a part of itself": {
			schema(`"d0":{"anyOf":[{"type":"string"},{"$ref":"#/$defs/d0"}]}`), "or by one that comes back to itself",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := job.Load([]byte(test.source))
			var failed *job.Error
			require.ErrorAs(t, err, &failed)
			require.Equal(t, job.CodeInvalidDefinition, failed.Code)
			require.Contains(t, failed.Error(), test.says)
		})
	}
}

// A mistake in the defaults is one mistake, however many steps take them.
func TestDefaultsAreToldOnce(t *testing.T) {
	t.Parallel()
	_, err := job.Load([]byte(`{"apiVersion":"fairlead/v1","name":"once","defaults":{"with":{"http":{"url":"https://a.example/${x}"}}},"steps":[` +
		listed(1000, func(i int) string { return fmt.Sprintf(`{"id":"s%d","uses":"http"}`, i) }) + `]}`))
	var failed *job.Error
	require.ErrorAs(t, err, &failed)
	require.Len(t, failed.Fields, 1)
	require.Equal(t, "/defaults/with/http/url", failed.Fields[0].Pointer)
}

func TestCheckInputStopsLookingForProblems(t *testing.T) {
	t.Parallel()
	_, err := open(t, inputJob).CheckInput([]byte(`{"day":"2026-01-05",` + listed(10_000, func(i int) string { return fmt.Sprintf(`"k%d":1`, i) }) + `}`))
	var failed *job.Error
	require.ErrorAs(t, err, &failed)
	require.Equal(t, "the input breaks its schema in more than 200 places; these are the first 100", failed.Message)
	require.Len(t, failed.Fields, 100)
}
