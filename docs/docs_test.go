// Package docs_test loads every job and every fragment of a job that the documents show.
package docs_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/job/jobmodel"
	"github.com/fairlead/fairlead/schema"
)

// block is one fenced block of YAML, with the text block that follows it at once.
type block struct {
	line            int
	kind, in, shown string
	body            string
}

// blocks are a document's, by what its fences say: yaml, yaml frame, yaml fragment=PLACE,
// yaml wrong=PLACE.
func blocks(t *testing.T, document string) []block {
	t.Helper()
	raw, err := os.ReadFile(document)
	require.NoError(t, err)
	fences := regexp.MustCompile("(?s)\n```yaml([^\n]*)\n(.*?)\n```\n(?:\n```text\n(.*?)\n```)?")
	var found []block
	for _, at := range fences.FindAllSubmatchIndex(raw, -1) {
		one := block{line: 2 + bytes.Count(raw[:at[0]], []byte("\n")), body: string(raw[at[4]:at[5]]) + "\n"}
		one.kind, one.in, _ = strings.Cut(strings.TrimSpace(string(raw[at[2]:at[3]])), "=")
		if at[6] >= 0 {
			one.shown = string(raw[at[6]:at[7]])
		}
		found = append(found, one)
	}
	require.NotEmpty(t, found)
	return found
}

// frame is what job-file.md says that its fragments are in: a job without steps.
func frame(t *testing.T) string {
	t.Helper()
	for _, one := range blocks(t, "job-file.md") {
		if one.kind == "frame" {
			return one.body
		}
	}
	t.Fatal("job-file.md shows no frame")
	return ""
}

// steps stand in where a fragment has none of its own.
const steps = "steps: [{id: call, uses: http, with: {url: \"https://shop.example\"}}]\n"

// whole completes a fragment: `steps` of a job, or keys of the `job` itself, which
// replace the frame's.
func whole(t *testing.T, frame string, one block) string {
	t.Helper()
	switch one.in {
	case "":
		return one.body
	case "steps":
		return frame + "steps:\n" + one.body
	case "job":
		kept := ""
		for _, part := range regexp.MustCompile(`(?m)^\w.*\n(?:[ -].*\n)*`).FindAllString(frame+steps, -1) {
			key, _, _ := strings.Cut(part, ":")
			if !regexp.MustCompile(`(?m)^` + key + `:`).MatchString(one.body) {
				kept += part
			}
		}
		return kept + one.body
	}
	t.Fatalf("line %d: a fragment of %q", one.line, one.in)
	return ""
}

func TestEveryJobInTheDocumentsLoads(t *testing.T) {
	t.Parallel()
	frame := frame(t)
	for _, document := range []string{"job-file.md", "semantics.md"} {
		for _, one := range blocks(t, document) {
			t.Run(fmt.Sprintf("%s:%d", document, one.line), func(t *testing.T) {
				t.Parallel()
				if one.kind == "frame" {
					one.body += steps
				}
				_, err := job.Load([]byte(whole(t, frame, one)))
				if one.kind != "wrong" {
					require.NoError(t, err)
					return
				}
				problem, refused := errors.AsType[*job.Error](err)
				require.True(t, refused, "it is not refused: %v", err)
				var messages []string
				for _, field := range problem.Fields {
					messages = append(messages, field.Message)
				}
				require.Equal(t, one.shown, strings.Join(messages, "\n"))
			})
		}
	}
}

// Every key of the grammar is named on the page, and stands at its place in a job or a
// fragment that the page shows.
func TestEveryKeyIsExplained(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("job-file.md")
	require.NoError(t, err)
	var jobs [][]byte
	frame := frame(t)
	for _, one := range blocks(t, "job-file.md") {
		if one.kind == "frame" || one.kind == "wrong" {
			continue
		}
		versions, err := job.Load([]byte(whole(t, frame, one)))
		require.NoError(t, err)
		for _, version := range versions {
			jobs = append(jobs, version.Canonical)
		}
	}
	keys, err := jobmodel.Keys(schema.Job(), jobs...)
	require.NoError(t, err)
	require.Greater(t, len(keys), 40)
	for key, shown := range keys {
		assert.Contains(t, string(page), "`"+path.Base(key)+"`", "job-file.md says nothing of the key")
		assert.True(t, shown, "job-file.md has no example of %s", key)
	}
}
