package expr_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/job/expr"
)

func TestDecodeNumbers(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]any{
		"0": int64(0), "-0": int64(0), "1.0": int64(1), "1e3": int64(1000), "1.5": 1.5, "-2.50": -2.5,
		"9223372036854775807": int64(9223372036854775807), "-9223372036854775808": int64(-9223372036854775808),
		"9223372036854775808": 9223372036854775808.0, "18446744073709551615": 18446744073709551615.0,
		"9007199254740993": int64(9007199254740993), "9007199254740993.0": int64(9007199254740993), "9.007199254740993e15": int64(9007199254740993),
		"1e300": 1e300, "1e-300": 1e-300, "0e999999999": int64(0),
	} {
		got, err := expr.Decode([]byte(text))
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "the text is empty", "  ": "the text is empty", "{": "not JSON", "1 2": "more text after the value", "1e999": "too large", "NaN": "not JSON",
		"[1,{\"a\":1e999}]": "too large", strings.Repeat("[", 1001) + strings.Repeat("]", 1001): "nest more than 1000 deep",
	} {
		_, err := expr.Decode([]byte(text))
		require.ErrorContains(t, err, want, text)
	}
}

// A schema's types are seen through the problems that they give.
func TestFromSchema(t *testing.T) {
	t.Parallel()
	const integer, text = `{"type":"integer"}`, `{"type":"string"}`
	cases := []struct{ schema, use, want string }{
		{`{"properties":{"a":` + integer + `}}`, "input.b", "has no `b`"},
		{`{"properties":{"a":` + integer + `},"additionalProperties":true}`, "input.b + 1", ""},
		{`{"properties":{"a":` + integer + `},"additionalProperties":` + text + `}`, "input.b + 1", "a string and an integer"},
		{`{"properties":{"a":` + integer + `},"patternProperties":{"^b":{}}}`, "input.b + 1", ""},
		{`{"type":"object","allOf":[{}],"properties":{}}`, "input.b", ""},
		{`{"type":"object"}`, "input.b.c", ""},
		{`{"type":"object"}`, "input + 1", "an object and an integer"},
		{`{"type":["integer"]}`, "input + 'a'", "an integer and a string"},
		{`{"type":["integer","number"]}`, "input + 'a'", "a number and a string"},
		{`{"type":["integer","null"]}`, "input + 'a'", ""},
		{`{"type":["null","object"],"properties":{"b":` + integer + `}}`, "input.b", "`input` may be null"},
		{`{"type":["null","object"],"properties":{"b":` + integer + `}}`, "input.?c.orValue(1)", "has no `c`"},
		{`{"type":["integer","null","string"]}`, "input + 'a'", ""},
		{`{"type":"null"}`, "input.b", "`input` is null, which has no fields"},
		{`{"enum":["a",null]}`, "input.b", "`input` may be null"},
		{`{"enum":["a","b"]}`, "input + 1", "a string and an integer"},
		{`{"enum":["a",1]}`, "input + 1", ""},
		{`{"const":true}`, "input + 1", "a boolean and an integer"},
		{`{"type":"array","items":` + text + `}`, "input[0] + 1", "a string and an integer"},
		{`{"type":"array","prefixItems":[{}]}`, "input[0] + 1", ""},
		{`{"type":"array"}`, "input + 1", "a list and an integer"},
		{`{"$ref":"#/$defs/x~1y","$defs":{"x/y":` + integer + `}}`, "input + 'a'", "an integer and a string"},
		{`{"$ref":"#/$defs/x","type":"string","$defs":{"x":` + integer + `}}`, "input + 'a'", ""},
		{`{"$ref":"#/$defs/nope"}`, "input + 'a'", ""},
		{`{"$ref":"https://x.example/y"}`, "input + 'a'", ""},
		{`{"properties":{"next":{"$ref":"#"}}}`, "input.next.next.nxt", "did you mean `next`?"},
		{`{"$ref":"#"}`, "input + 'a'", ""},
		{`true`, "input + 'a'", ""},
		{`{`, "input + 'a'", ""},
	}
	for _, c := range cases {
		t.Run(c.schema+" "+c.use, func(t *testing.T) {
			t.Parallel()
			env, err := expr.NewEnv(expr.Types{Input: expr.FromSchema(json.RawMessage(c.schema))})
			require.NoError(t, err)
			_, problems := env.Template("${" + c.use + "}")
			if c.want == "" {
				require.Empty(t, problems)
				return
			}
			require.Len(t, problems[""], 1)
			require.Contains(t, problems[""][0].Message, c.want)
		})
	}
}
