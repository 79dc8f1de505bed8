package job_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fairlead/fairlead/internal/job"
)

// valueOf draws a JSON value, its numbers as json.Number.
func valueOf(t *rapid.T, depth int) any {
	kinds := 7
	if depth == 0 {
		kinds = 5
	}
	text := rapid.StringMatching(`[a-z :#'"\\\[\]{},&*!|>%@\t\né日-]{0,12}`)
	switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
	case 0:
		return nil
	case 1:
		return rapid.Bool().Draw(t, "bool")
	case 2:
		return json.Number(strconv.FormatInt(rapid.Int64().Draw(t, "integer"), 10))
	case 3:
		data, _ := json.Marshal(rapid.Float64Range(-1e20, 1e20).Draw(t, "float")) // a finite float always marshals
		return json.Number(data)
	case 4:
		return text.Draw(t, "text")
	case 5:
		list := []any{}
		for range rapid.IntRange(0, 3).Draw(t, "items") {
			list = append(list, valueOf(t, depth-1))
		}
		return list
	}
	object := map[string]any{}
	for range rapid.IntRange(0, 3).Draw(t, "keys") {
		object[text.Draw(t, "key")] = valueOf(t, depth-1)
	}
	return object
}

// writeYAML writes a value as YAML: in blocks or in flow, as drawn.
func writeYAML(t *rapid.T, b *strings.Builder, value any, indent int) {
	margin := "\n" + strings.Repeat(" ", indent)
	object, isMap := value.(map[string]any)
	list, isList := value.([]any)
	switch {
	case isMap && len(object) > 0 && rapid.Bool().Draw(t, "block"):
		for _, key := range slices.Sorted(maps.Keys(object)) {
			b.WriteString(margin + quoteJSON(key) + ":")
			b.WriteString(" ")
			writeYAML(t, b, object[key], indent+2)
		}
	case isList && len(list) > 0 && rapid.Bool().Draw(t, "block"):
		for _, item := range list {
			b.WriteString(margin + "-" + " ")
			writeYAML(t, b, item, indent+2)
		}
	default:
		b.WriteString(quoteJSON(value))
	}
}

func quoteJSON(value any) string {
	data, _ := json.Marshal(value) // plain values always marshal
	return string(data)
}

func TestCanonicalFormIsStable(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		value := valueOf(t, 3)
		head := "apiVersion: fairlead/v1\nname: stable\nsteps:\n  - {id: a, uses: http, with: {url: 'https://a.example'}}\noutput: "
		var b strings.Builder
		writeYAML(t, &b, value, 2)
		fromYAML := load(t, head+b.String()+"\n")
		fromJSON := load(t, fmt.Sprintf(`{"steps":[{"with":{"url":"https://a.example"},"uses":"http","id":"a"}],"output":%s,"name":"stable","apiVersion":"fairlead/v1"}`, quoteJSON(value)))
		again := load(t, string(fromYAML.Canonical))

		require.Equal(t, string(fromYAML.Canonical), string(fromJSON.Canonical))
		require.Equal(t, string(fromYAML.Canonical), string(again.Canonical))
		require.Equal(t, fromYAML.Digest, fromJSON.Digest)
		require.Equal(t, fromYAML.Definition, again.Definition)

		program, err := job.Open(fromYAML.Canonical)
		require.NoError(t, err)
		require.Equal(t, fromYAML.Definition, program.Definition)
		requireSameNumbers(t, value, string(fromYAML.Definition.Output))
	})
}

// requireSameNumbers checks that no integer has lost a digit.
func requireSameNumbers(t *rapid.T, value any, canonical string) {
	switch v := value.(type) {
	case json.Number:
		if number, whole := new(big.Int).SetString(v.String(), 10); whole {
			require.Contains(t, canonical, number.String())
		}
	case []any:
		for _, item := range v {
			requireSameNumbers(t, item, canonical)
		}
	case map[string]any:
		for _, member := range v {
			requireSameNumbers(t, member, canonical)
		}
	}
}

func TestDigestTellsContentsApart(t *testing.T) {
	t.Parallel()
	const head = "apiVersion: fairlead/v1\nname: a\nsteps:\n  - {id: a, uses: http, with: {url: 'https://a.example'}}\n"
	same := load(t, head+"output: {a: 1.0, b: [x]}\n").Digest
	require.Equal(t, same, load(t, "# a comment\n"+head+"output:\n  b:\n  - 'x'\n  a: 1\n").Digest)
	require.NotEqual(t, same, load(t, head+"output: {a: '1', b: [x]}\n").Digest)
	require.NotEqual(t, same, load(t, head+"output: {a: 2, b: [x]}\n").Digest)
}
