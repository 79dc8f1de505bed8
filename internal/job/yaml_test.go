package job_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/job"
)

// outputOf publishes a job with this output and returns the output's canonical form.
func outputOf(t require.TestingT, yaml string) string {
	source := "apiVersion: fairlead/v1\nname: reading\nsteps:\n  - {id: a, uses: http, with: {url: 'https://a.example'}}\noutput:\n  " +
		strings.ReplaceAll(yaml, "\n", "\n  ") + "\n"
	return string(load(t, source).Definition.Output)
}

func TestYAMLIsReadAs12(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ yaml, want string }{
		"words that were booleans": {"{on: off, yes: no, y: N, On: Off}", `{"On":"Off","on":"off","y":"N","yes":"no"}`},
		"booleans":                 {"[true, True, FALSE, tRUE]", `[true,true,false,"tRUE"]`},
		"nulls":                    {"[null, ~, Null, nUll, '']", `[null,null,null,"nUll",""]`},
		"leading zeros":            {"[0123, 0o17, 0x1F, 0b11, -010, +5]", `[123,15,31,"0b11",-10,5]`},
		"text that was numbers":    {"[1_000, 12:30:45, 2026-01-05, 1.2.3, 0x, 1e]", `["1_000","12:30:45","2026-01-05","1.2.3","0x","1e"]`},
		"floats":                   {"[1.5, .5, 1., 1e3, 1.50, 0.1, -0.0, 1e-7]", `[1.5,0.5,1,1000,1.5,0.1,0,1e-07]`},
		"big integers":             {"[9007199254740993, 1e20, 9223372036854776000, -9223372036854775808]", `[9007199254740993,100000000000000000000,9223372036854776000,-9223372036854775808]`},
		"quotes keep text":         {`["1", '2', "true", !!str 3, "a\tb\u00e9\n"]`, `["1","2","true","3","a\tbé\n"]`},
		"keys are text":            {"{1: a, true: b, ~: c, 1.0: d, 2026-01-05: e}", `{"1":"a","1.0":"d","2026-01-05":"e","true":"b","~":"c"}`},
		"block texts":              {"a: |\n  one\n    two\nb: >-\n  one\n  two\nc: |+\n  one", `{"a":"one\n  two\n","b":"one two","c":"one\n"}`},
		"texts of several lines":   {"a: one\n  two\nb: \"one\n  two\"", `{"a":"one two","b":"one two"}`},
		"nothing after a colon":    {"a:\nb: [ ]\nc: { }\nd:\n  - ", `{"a":null,"b":[],"c":{},"d":[null]}`},
		"nested lists":             {"- - 1\n  - 2\n- - 3", `[[1,2],[3]]`},
		"aliases":                  {"a: &x {n: 1}\nb: *x\nc: [*x, *x]", `{"a":{"n":1},"b":{"n":1},"c":[{"n":1},{"n":1}]}`},
		"merging":                  {"a: &a {n: 1, m: 1}\nb: &b {n: 2, o: 2}\nc: {<<: *a, n: 3}\nd: {<<: [*a, *b]}\ne:\n  m: 0\n  <<: *b", `{"a":{"m":1,"n":1},"b":{"n":2,"o":2},"c":{"m":1,"n":3},"d":{"m":1,"n":1,"o":2},"e":{"m":0,"n":2,"o":2}}`},
		"a key that is quoted <<":  {`{"<<": 1}`, `{"<<":1}`},
		"nothing is escaped":       {`"<a href='x'>&</a> é 日本"`, `"<a href='x'>&</a> é 日本"`},
		"a literal brace":          {"$${x}", `"$${x}"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, outputOf(t, test.yaml))
		})
	}
}

func TestLoadSeveralDocuments(t *testing.T) {
	t.Parallel()
	one := "apiVersion: fairlead/v1\nname: one\nsteps:\n  - {id: a, uses: http, with: {url: 'https://a.example'}}\n"
	two := `{"apiVersion": "fairlead/v1", "name": "two", "steps": [{"id": "a", "uses": "http", "with": {"url": "https://a.example", "text": "--- not a marker"}}]}` + "\n"
	three := "apiVersion: fairlead/v1\r\nname: three\r\nsteps:\r\n  - {id: a, uses: http, with: {url: 'https://a.example'}}\r\n"

	versions, err := job.Load([]byte("\ufeff# jobs\n---\n" + one + "---\n" + two + "...\n---\n# nothing\n---\n" + three))

	require.NoError(t, err)
	require.Len(t, versions, 3)
	for i, source := range []string{one, two, three} {
		require.Equal(t, source, string(versions[i].Source))
		alone := load(t, source)
		require.Equal(t, alone.Digest, versions[i].Digest)
		require.Regexp(t, `^sha256:[0-9a-f]{64}$`, alone.Digest)
	}
}

// steps is a job of n steps, each of which refers to the one before it.
func steps(n int) string {
	var b strings.Builder
	b.WriteString("apiVersion: fairlead/v1\nname: long\nsteps:\n  - {id: s0, uses: http, with: {url: 'https://a.example'}}\n")
	for i := 1; i < n; i++ {
		fmt.Fprintf(&b, "  - id: s%d\n    uses: http\n    if: \"${steps.s%d.output.status == 200}\"\n", i, 0)
		fmt.Fprintf(&b, "    with: {url: 'https://a.example/${steps.s0.output.status}'}\n")
	}
	return b.String()
}

func TestLoadTakesAThousandSteps(t *testing.T) {
	t.Parallel()
	begin := time.Now()
	version := load(t, steps(job.MaxSteps))
	require.Less(t, time.Since(begin), 20*time.Second)
	require.Len(t, version.Definition.Steps, job.MaxSteps)

	_, err := job.Load([]byte(steps(job.MaxSteps + 1)))
	require.ErrorContains(t, err, "4:3: /steps: the list has 1001 items; the most is 1000")
}

func TestLoadBoundsItsWork(t *testing.T) {
	t.Parallel()
	const head = "apiVersion: fairlead/v1\nname: big\n"
	fill := func(piece string) string {
		return head + "output: [" + strings.Repeat(piece, (job.MaxSource-200)/len(piece))
	}
	tests := map[string]struct {
		source string
		code   job.Code
		says   string
	}{
		"too many bytes":     {strings.Repeat("#", job.MaxSource+1), job.CodeTooLarge, "1 MiB"},
		"tokens":             {fill("1,"), job.CodeInvalidDefinition, "YAML tokens"},
		"anchors":            {fill("&a "), job.CodeInvalidDefinition, "YAML tokens"},
		"brackets":           {head + strings.Repeat("[", 1000), job.CodeInvalidDefinition, "nest more than 100 deep"},
		"dashes":             {head + strings.Repeat("- ", 1000), job.CodeInvalidDefinition, "nest more than 100 deep"},
		"question marks":     {head + strings.Repeat("? ", 1000), job.CodeInvalidDefinition, "nest more than 100 deep"},
		"JSON values":        {`{"a":[` + strings.Repeat("1,", 200_000) + `1]}`, job.CodeInvalidDefinition, "more than 100000 values"},
		"documents":          {strings.Repeat("---\na: 1\n", 101), job.CodeInvalidDefinition, "more than 100 documents"},
		"an alias to a text": {head + "a: &a '" + strings.Repeat("x", 10_000) + "'\nb: [" + strings.Repeat("*a, ", 1000) + "1]\n", job.CodeInvalidDefinition, "aliases"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := job.Load([]byte(test.source))
			require.Equal(t, test.code, job.CodeOf(err))
			require.ErrorContains(t, err, test.says)
		})
	}
}

func TestLoadKeepsTheFirstHundredProblems(t *testing.T) {
	t.Parallel()
	source := "apiVersion: fairlead/v1\nname: wrong\nsteps:\n" + strings.Repeat("  - {id: a, uses: nothing}\n", 300)
	_, err := job.Load([]byte(source))
	var failed *job.Error
	require.ErrorAs(t, err, &failed)
	require.Len(t, failed.Fields, 100)
	require.Contains(t, failed.Message, "these are the first 100")
}

func TestLoadWarns(t *testing.T) {
	t.Parallel()
	require.Empty(t, load(t, "apiVersion: fairlead/v1\nname: a\ndefaults: {with: {http: {method: GET}}}\nsteps:\n  - {id: a, uses: http, with: {url: 'https://a.example'}}\n").Warnings)
}
