package expr_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/job/expr"
)

type rendering struct {
	template string
	want     any
}

// renderings all pass the typed environment and render over values.
var renderings = []rendering{
	// A single expression keeps its type.
	{"${input.from}", "2026-01-05"},
	{"${input.count}", int64(3)},
	{"${input.price}", 2.5},
	{"${input.dry}", false},
	{"${input.orders[0].id}", int64(9007199254740993)},
	{"${input.free}", map[string]any{"z": int64(1), "a": nil, "m": []any{int64(1), 2.5}}},
	{"${ {'rows': steps.extract.output.body.rows, 'none': null} }", map[string]any{"rows": int64(12), "none": nil}},
	{"${{}}", map[string]any{}},
	{"${[]}", []any{}},
	{"${steps.maybe.output}", nil},
	{"${b'ab'}", "YWI="},
	{"${duration('90m')}", "5400s"},
	{"${timestamp('2026-01-05T01:00:00+01:00')}", "2026-01-05T00:00:00Z"},
	{"${ {1: 'a', true: 'b'} }", map[string]any{"1": "a", "true": "b"}},
	{"${ {1: 'jan', 2: 'feb', 3: 'mar'}[input.count] }", "mar"},
	{"${ {1: 'jan', 3: 'mar'}[?input.count].orValue('') }", "mar"},
	{"${[{1: 'jan', 3: 'mar'}].map(m, m[input.count])}", []any{"mar"}},
	{"${(input.dry ? {1: 'a'} : {3: 'b'})[input.count]}", "b"},
	{"${ {input.from: 1, string(input.count): [2], ?'a': input.free.?nope, ?'b': input.?from} }", map[string]any{"2026-01-05": int64(1), "3": []any{int64(2)}, "b": "2026-01-05"}},
	{"${ {input.count: 'x', 4: 'y'}[input.count] }", "x"},
	{"${input.tags.map(t, {t: 1, t + t: 2}).size()}", int64(2)},
	// In a longer string it is text.
	{"a ${steps.maybe.output == null ? 'none' : steps.maybe.output} ${steps.maybe.?output.?body.orValue('none')}", "a none none"},
	{"n=${input.count} p=${input.price} d=${input.dry}", "n=3 p=2.5 d=false"},
	{"x ${12345678.0} ${1e21} ${0.000001}", "x 12345678 1000000000000000000000 0.000001"},
	{"at ${timestamp('2026-01-05T00:00:00.5Z')}", "at 2026-01-05T00:00:00.5Z"},
	{"is ${input.free}", `is {"a":null,"m":[1,2.5],"z":1}`},
	{"a ${['<&>']}", `a ["<&>"]`},
	{"$${input.from} $$${1} $1 {x}", "${input.from} $${1} $1 {x}"},
	{"${'a'}${'b'}", "ab"},
	{"", ""},
	// Braces inside the expression.
	{"${{'a': {'b': 1}}.a.b}", int64(1)},
	{"${'}'}", "}"},
	{`${"}" + '\'}'}`, "}'}"},
	{`${r'\'}`, `\`},
	{"${'''a\n}'''}", "a\n}"},
	{"${1 // }\n}", int64(1)},
	{"${size(br'}')}", int64(1)},
	// Integers and doubles together.
	{"${input.count + 1.5}", 4.5},
	{"${1.5 * input.count}", 4.5},
	{"${input.count - 0.5}", 2.5},
	{"${input.count / 2}", int64(1)},
	{"${input.count / 2.0}", 1.5},
	{"${input.count == 3.0}", true},
	{"${input.count < 3.5 && 2.5 < input.count}", true},
	{"${1 in [1.0, 2.0]}", true},
	{"${input.free.z + 1}", int64(2)},
	{"${1.0}", int64(1)},
	{"${string(12345678.0)}", "12345678"},
	{"${math.round(input.count) + math.ceil(input.price)}", int64(6)},
	{"${-9223372036854775808}", int64(-9223372036854775808)},
	// Selections.
	{"${input['from']}", "2026-01-05"},
	{"${input.labels.team}", "finance"},
	{"${input.labels['no-such'].size()}${''}", nil},
	{"${steps.extract.output.headers.etag}", "e"},
	{"${steps['extract'].status}", "succeeded"},
	{"${steps.maybe.?output.?body.orValue('none')}", "none"},
	{"${steps.maybe.?output.body.orValue('none')}", "none"},
	{"${steps.maybe.?error.?code.orValue('none')}", "none"},
	{"${steps.extract.output.body.?nope.?deeper.orValue(7)}", int64(7)},
	{"${input.free[?'z'].orValue(0)}", int64(1)},
	{"${has(input.free.z) && !has(input.free.y)}", true},
	{"${.input.count}", int64(3)},
	{"${run.job + ' ' + string(run.version)}", "orders 4"},
	{"${input.tags[?9].orValue('last')}", "last"},
	{"${input.?from.optMap(f, f + '!').orValue('')}", "2026-01-05!"},
	// Loops.
	{"${input.orders.map(o, o.name)}", []any{"x", "y"}},
	{"${input.orders.filter(o, o.id < 3).map(o, o.name)}", []any{"y"}},
	{"${input.tags.exists(t, t == 'a') && input.tags.all(t, t.size() == 1)}", true},
	{"${input.tags.map(input, input + '!')}", []any{"b!", "a!"}},
	{"${input.free.map(k, k)}", []any{"a", "m", "z"}},
	{"${ {'b': 1, 'a': 2, 3: 4, true: 5}.map(k, string(k))}", []any{"true", "3", "a", "b"}},
	{"${input.map(k, k).size()}", int64(8)},
	{"${input.orders.sortBy(o, o.id)[0].name}", "y"},
	{"${[3, 2.5, 1].sort()}", []any{int64(1), 2.5, int64(3)}},
	{"${[{'n': 1, 'p': 2}, {'n': 2, 'p': 1.5}, {'n': 3, 'p': 2.0}].sortBy(o, o.p).map(o, o.n)}", []any{int64(2), int64(1), int64(3)}},
	{"${[duration('2h'), duration('1h')].sort()}", []any{"3600s", "7200s"}},
	{"${[].sort()}", []any{}},
	// Branches of different types.
	{"${input.count > 5 ? input.from : null}", nil},
	{"${input.count > 1 ? 'many' : 0}", "many"},
	// Functions.
	{"${[1, null, 2].sum()}", int64(3)},
	{"${[1, 2.5].sum()}", 3.5},
	{"${[].sum()}", int64(0)},
	{"${input.orders.map(o, o.id).sum()}", int64(9007199254740995)},
	{"${[1, 2, 3].chunk(2)}", []any{[]any{int64(1), int64(2)}, []any{int64(3)}}},
	{"${[1].chunk(9223372036854775807)}", []any{[]any{int64(1)}}},
	{"${[].chunk(2)}", []any{}},
	{"${sha256('a')}", "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"},
	{"${sha256(b'a') == sha256('a')}", true},
	{"${urlEncode('a b/ü+')}", "a%20b%2F%C3%BC%2B"},
	{`${json('{"a": 9007199254740993, "b": 1.5}')}`, map[string]any{"a": int64(9007199254740993), "b": 1.5}},
	{`${toJson({'b': [1, 2.5], 'a': '<'})}`, `{"a":"<","b":[1,2.5]}`},
	{"${base64.encode(bytes('x'))}", "eA=="},
	{"${'a-b'.split('-').join('+')}", "a+b"},
	{"${math.greatest(1, 2.5)}", 2.5},
	{"${sets.contains([1, 2], [1])}", true},
	{"${regex.replace('abc', 'b', 'x')}", "axc"},
	{"${type(input.count) == int}", true},
}

func TestRender(t *testing.T) {
	t.Parallel()
	scope := scopeOf(t)
	scope["input"].(map[string]any)["labels"].(map[string]any)["no-such"] = "x"
	for _, c := range renderings {
		want := c.want
		if c.template == "${input.labels['no-such'].size()}${''}" {
			want = "1"
		}
		t.Run(c.template, func(t *testing.T) {
			t.Parallel()
			template, problems := typed(t).Template(c.template)
			require.Empty(t, problems)
			got, err := template.Render(scope)
			require.NoError(t, err)
			require.Equal(t, want, got)
			untyped, err := late(c.template, scope)
			require.NoError(t, err)
			require.Equal(t, want, untyped, "without types")
			pruned, err := template.Render(expr.NewPruner(template.Refs()).Prune(scope))
			require.NoError(t, err)
			require.Equal(t, want, pruned, "over the pruned scope")
		})
	}
}

func TestTemplate(t *testing.T) {
	t.Parallel()
	template, problems := typed(t).Template(map[string]any{
		"url": "https://x.example/${input.from}", "n": uint64(7), "ratio": 2.0, "none": nil, "yes": true,
		"list": []any{"${input.count}", "plain", map[string]any{"deep": "${run.id}"}},
	})
	require.Empty(t, problems)
	require.Equal(t, []expr.Ref{{"input", "count"}, {"input", "from"}, {"run", "id"}}, template.Refs())
	got, err := template.Render(scopeOf(t))
	require.NoError(t, err)
	require.Equal(t, map[string]any{
		"url": "https://x.example/2026-01-05", "n": int64(7), "ratio": int64(2), "none": nil, "yes": true,
		"list": []any{int64(3), "plain", map[string]any{"deep": "run_1"}},
	}, got)
}

func TestRefs(t *testing.T) {
	t.Parallel()
	cases := map[string]string{
		"${input.from + input.from}":                         "input.from",
		"${steps.extract.output.body.rows[0].id}":            "steps.extract.output.body.rows",
		"${steps.extract.output.body[input.from].id}":        "input.from steps.extract.output.body",
		"${steps.extract.output.body['a-b'].id}":             "steps.extract.output.body.a-b.id",
		"${steps.maybe.?output.?body[?'x'].orValue(1)}":      "steps.maybe.output.body.x",
		"${has(input.free.x) ? input.free.x : input.free.y}": "input.free.x input.free.y",
		"${input.free.map(k, input.free[k])}":                "input.free",
		"${input.orders.map(input, input.id)}":               "input.orders",
		"${input.from} ${input}":                             "input",
		"${1 + 1}":                                           "",
		"${region + run.id}":                                 "region run.id",
	}
	for source, want := range cases {
		t.Run(source, func(t *testing.T) {
			t.Parallel()
			template, problems := typed(t).Template(source)
			require.Empty(t, problems)
			got := ""
			for i, ref := range template.Refs() {
				if i > 0 {
					got += " "
				}
				got += ref.String()
			}
			require.Equal(t, want, got)
		})
	}
}

func TestExpression(t *testing.T) {
	t.Parallel()
	scope := scopeOf(t)
	for source, want := range map[string]bool{
		"${input.count > 2}":            true,
		" ${input.dry}\n":               false,
		"${steps.maybe.output == null}": true,
		"${input.free.z == 1}":          true,
	} {
		condition, problems := typed(t).Single(source, expr.WantBool)
		require.Empty(t, problems, source)
		got, err := condition.Bool(scope)
		require.NoError(t, err, source)
		require.Equal(t, want, got, source)
	}
	condition, problems := typed(t).Single("${input.free.z}", expr.WantBool)
	require.Empty(t, problems)
	require.Equal(t, []expr.Ref{{"input", "free", "z"}}, condition.Refs())
	_, err := condition.Bool(scope)
	require.EqualError(t, err, "${input.free.z}: a condition gives true or false; this gave an integer")
}
