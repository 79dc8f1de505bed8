package job_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/job"
)

const inputJob = `
apiVersion: fairlead/v1
name: inputs
input:
  type: object
  required: [day]
  properties:
    day: {type: string, format: date}
    id: {type: integer}
    size: {type: integer, default: 10, minimum: 1, maximum: 100}
    region: {type: string, enum: [eu, us], default: eu}
    address:
      type: object
      default: {}
      properties: {city: {type: string, default: Paris}, zip: {type: string}}
    tags: {type: array, items: {type: object, properties: {name: {type: string}, on: {type: boolean, default: true}}}}
    open: {type: object, additionalProperties: {type: string}}
    person: {allOf: [{$ref: "#/$defs/named"}, {properties: {age: {type: integer}}}]}
  $defs:
    named: {type: object, properties: {name: {type: string, default: nobody}}, required: [name]}
steps:
  - {id: a, uses: http, with: {url: "https://a.example/${input.day}"}}
`

func TestCheckInput(t *testing.T) {
	t.Parallel()
	program := open(t, inputJob)
	const rest = `"address":{"city":"Paris"},"region":"eu","size":10`
	tests := map[string]struct{ input, want string }{
		"defaults":        {`{"day":"2026-01-05"}`, `{"address":{"city":"Paris"},"day":"2026-01-05","region":"eu","size":10}`},
		"big integers":    {`{"day":"2026-01-05","id":9007199254740993}`, `{"address":{"city":"Paris"},"day":"2026-01-05","id":9007199254740993,"region":"eu","size":10}`},
		"own values win":  {`{"day":"2026-01-05","size":5.0,"region":"us","address":{"zip":"75001"}}`, `{"address":{"city":"Paris","zip":"75001"},"day":"2026-01-05","region":"us","size":5}`},
		"in lists":        {`{"day":"2026-01-05","tags":[{"name":"a"},{"on":false}]}`, `{"address":{"city":"Paris"},"day":"2026-01-05","region":"eu","size":10,"tags":[{"name":"a","on":true},{"on":false}]}`},
		"open objects":    {`{"day":"2026-01-05","open":{"any":"thing"}}`, `{"address":{"city":"Paris"},"day":"2026-01-05","open":{"any":"thing"},"region":"eu","size":10}`},
		"through allOf":   {`{"day":"2026-01-05","person":{"age":3}}`, `{"address":{"city":"Paris"},"day":"2026-01-05","person":{"age":3,"name":"nobody"},"region":"eu","size":10}`},
		"space around it": {"\n {\"day\":\"2026-01-05\"} \n", `{"day":"2026-01-05",` + rest + `}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := program.CheckInput([]byte(test.input))
			require.NoError(t, err)
			if name == "space around it" {
				require.JSONEq(t, test.want, string(got))
				return
			}
			require.Equal(t, test.want, string(got))
		})
	}
}

func TestCheckInputRefuses(t *testing.T) {
	t.Parallel()
	program := open(t, inputJob)
	tests := map[string]struct {
		input    string
		pointers []string
		says     string
	}{
		"nothing":             {``, []string{""}, "`day` is missing"},
		"a format":            {`{"day":"5 January"}`, []string{"/day"}, "not of the format date, such as 2026-01-05"},
		"an unknown key":      {`{"day":"2026-01-05","sise":4}`, []string{"/sise"}, "unknown key `sise`; did you mean `size`?"},
		"a nested key":        {`{"day":"2026-01-05","address":{"town":"x"}}`, []string{"/address/town"}, "unknown key"},
		"a key beside allOf":  {`{"day":"2026-01-05","person":{"name":"a","nam":"b"}}`, []string{"/person/nam"}, "unknown key"},
		"an open one's value": {`{"day":"2026-01-05","open":{"any":1}}`, []string{"/open/any"}, "the number 1 is not allowed here; write text"},
		"several":             {`{"day":1,"size":0,"region":"asia"}`, []string{"/day", "/region", "/size"}, "the least is 1"},
		"a list":              {`[]`, []string{""}, "a list is not allowed here; write a map"},
		"null":                {`null`, []string{""}, "write a map"},
		"digits too many":     {`{"day":"2026-01-05","id":123456789012345678901234567890}`, []string{"/id"}, "would lose digits; quote it"},
		"not JSON":            {`{"day": 2026-01-05}`, []string{""}, "invalid character"},
		"cut off":             {`{"day": "2026-`, []string{""}, "unexpected end"},
		"the same key twice":  {`{"day":"2026-01-05","day":"2026-01-06"}`, []string{"/day"}, "is here twice"},
		"two values":          {`{"day":"2026-01-05"} {}`, []string{""}, "after top-level value"},
		"deep":                {`{"day":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`, nil, "nest more than 100 deep"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := program.CheckInput([]byte(test.input))
			var failed *job.Error
			require.ErrorAs(t, err, &failed)
			require.Equal(t, job.CodeInvalidInput, failed.Code)
			var pointers []string
			for _, field := range failed.Fields {
				pointers = append(pointers, field.Pointer)
			}
			if test.pointers != nil {
				require.Equal(t, test.pointers, pointers)
			}
			require.Contains(t, failed.Error(), test.says)
		})
	}
}

func TestCheckInputBoundsItsSize(t *testing.T) {
	t.Parallel()
	program := open(t, inputJob)
	_, err := program.CheckInput([]byte(`{"day":"` + strings.Repeat("x", 3<<20) + `"}`))
	require.Equal(t, job.CodeTooLarge, job.CodeOf(err))
}

func TestJobWithoutInputTakesNone(t *testing.T) {
	t.Parallel()
	program := open(t, "apiVersion: fairlead/v1\nname: none\nsteps:\n  - {id: a, uses: http, with: {url: 'https://a.example'}}\n")
	got, err := program.CheckInput(nil)
	require.NoError(t, err)
	require.Equal(t, `{}`, string(got))
	_, err = program.CheckInput([]byte(`{"a":1}`))
	require.ErrorContains(t, err, "/a: unknown key `a`; no keys are allowed here")
}

func TestDefaultsThatNeverEndAreBounded(t *testing.T) {
	t.Parallel()
	program := open(t, `
apiVersion: fairlead/v1
name: endless
input:
  type: object
  properties: {a: {$ref: "#/$defs/n", default: {}}}
  $defs: {n: {type: object, properties: {l: {$ref: "#/$defs/n", default: {}}, r: {$ref: "#/$defs/n", default: {}}}}}
steps:
  - {id: a, uses: http, with: {url: 'https://a.example'}}
`)
	_, err := program.CheckInput(nil)
	require.NoError(t, err)
}

func TestCheckWith(t *testing.T) {
	t.Parallel()
	got, err := job.CheckWith("http", []byte(`{"url":"https://a.example"}`))
	require.NoError(t, err)
	require.JSONEq(t, `{"url":"https://a.example","method":"GET","maxBytes":1048576}`, string(got))

	_, err = job.CheckWith("http", []byte(`{"url":null,"metod":"GET"}`))
	require.ErrorContains(t, err, "/metod: unknown key `metod`; did you mean `method`?")
	require.ErrorContains(t, err, "/url: nothing (null) is not allowed here; write an absolute URL")

	_, err = job.CheckWith("nothing", []byte(`{}`))
	require.Equal(t, job.CodeInvalidInput, job.CodeOf(err))
}

// What an expression gives may be a credential: it is in no message.
func TestCheckWithQuotesNoValue(t *testing.T) {
	t.Parallel()
	const secret = "tok-secret-1"
	for name, test := range map[string]struct{ with, says string }{
		"a number":              {`{"url":"https://a.example","auth":{"basic":{"user":"u","password":73519924}}}`, "/auth/basic/password: a number is not allowed here; write text"},
		"a text":                {`{"url":"https://a.example","auth":"tok-secret-1"}`, "/auth: a text is not allowed here; write one of `auth:"},
		"a truth value":         {`{"url":"https://a.example","auth":{"bearer":true}}`, "/auth/bearer: a truth value is not allowed here"},
		"an enum":               {`{"url":"https://a.example","method":"tok-secret-1"}`, "/method: a text is not allowed here; write `GET`"},
		"near an enum":          {`{"url":"https://a.example","method":"PSOT"}`, "/method: a text is not allowed here; write `GET`"},
		"a bound":               {`{"url":"https://a.example","maxBytes":73519924}`, "/maxBytes: a number is too large; the most is 4194304"},
		"a length":              {`{"url":""}`, "/url: the text is empty; it needs at least 1 character"},
		"a key":                 {`{"url":"https://a.example","auth":{"tok-secret-1":""}}`, "/auth: an unknown key; allowed are basic, bearer"},
		"a key, deeper":         {`{"url":"https://a.example","auth":{"basic":{"user":"u","password":"p","tok-secret-1":1}}}`, "/auth/basic: an unknown key; allowed are password, user"},
		"a key of great length": {`{"url":"https://a.example","json":{"tok-secret-1` + strings.Repeat("x", 300) + `":1}}`, "a key of more than 256 characters"},
		"two bodies":            {`{"url":"https://a.example","json":"tok-secret-1","text":"tok-secret-1"}`, "forbids"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := job.CheckWith("http", []byte(test.with))
			require.ErrorContains(t, err, test.says)
			for _, value := range []string{secret, "73519924", "PSOT"} {
				require.NotContains(t, err.Error(), value)
			}
		})
	}
}
