package joblog_test

import (
	"log/slog"
	"path"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/joblog"
)

// writeItem logs a message as one execution of an item.
func writeItem(t *testing.T, j *joblog.Journal, run joblog.Run, step, item, text string) {
	t.Helper()
	w := j.Begin(run, step, item, 1)
	w.Log(slog.LevelInfo, text)
	_, err := w.Close(t.Context())
	require.NoError(t, err)
}

// odd are keys that would leave their place, or be one with another, in a path.
func odd() []string {
	return []string{
		"eu", "EU", "e", "eu/", "../eu", ".", "..", "/", "item=eu", "a\\b", "%2F", "~", "~2f", " ", "\u2028", "é", "e\u0301", "🙂",
		strings.Repeat("x", 200), strings.Repeat("x", 199) + "y", strings.Repeat("🙂", 200),
	}
}

// safe is what every key of an object is made of.
var safe = regexp.MustCompile(`^logs/team=finance/dt=2026-01-06/run=run_[0-9a-z]+/[A-Za-z0-9_~-]+/(item=[A-Za-z0-9_~-]+/)?\d{4}-\d{13}-[0-9a-f-]+\.ndjson\.gz$`)

func TestItemsHaveTheirOwnLogs(t *testing.T) {
	t.Parallel()
	objects := memory{}
	j := journal(objects)
	run := newRun(t)
	write(t, j, run, "load", 1, "no item")
	for _, item := range odd() {
		writeItem(t, j, run, "load", item, item)
		writeItem(t, j, run, job.CompensationOf("load"), item, "undo "+item)
	}
	for key := range objects {
		require.Regexp(t, safe, key)
		for part := range strings.SplitSeq(key, "/") {
			require.LessOrEqual(t, len(part), 255)
		}
	}
	for _, item := range odd() {
		require.Equal(t, []string{item, "undo " + item}, messages(stored(t, j, run, joblog.Filter{Item: item})))
		require.Equal(t, []string{item}, messages(stored(t, j, run, joblog.Filter{Step: "load", Item: item})))
		require.Equal(t, []string{"undo " + item}, messages(stored(t, j, run, joblog.Filter{Step: "load.compensate", Item: item})))
	}
	require.Equal(t, append([]string{"no item"}, odd()...), messages(stored(t, j, run, joblog.Filter{Step: "load"})), "in the order of their ends")
	require.Empty(t, stored(t, j, run, joblog.Filter{Item: "us"}))
}

// Only what was asked for is opened: a thousand items have a thousand objects.
func TestAnItemsLogIsFoundWithoutTheOthers(t *testing.T) {
	t.Parallel()
	objects := memory{}
	j := journal(objects)
	run := newRun(t)
	writeItem(t, j, run, "load", "us", "damaged")
	for key := range objects {
		objects[key] = []byte("no gzip")
	}
	writeItem(t, j, run, "load", "eu", "a")
	writeItem(t, j, run, "check", "eu", "b")
	require.Equal(t, []string{"a", "b"}, messages(stored(t, j, run, joblog.Filter{Item: "eu"})))
}

func TestKeysOfItemsDiffer(t *testing.T) {
	t.Parallel()
	ended := time.Unix(0, 0)
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringN(1, 200, -1)
		a, b := text.Draw(t, "a"), text.Draw(t, "b")
		of := func(item string) string {
			return path.Dir(joblog.Key(joblog.Run{Team: "finance", ID: "run_1", CreatedAt: ended}, "load", item, 1, ended, "x"))
		}
		require.Equal(t, a == b, of(a) == of(b))
		require.Regexp(t, `^logs/team=finance/dt=1970-01-01/run=run_1/load/item=[A-Za-z0-9_~-]{1,128}$`, of(a))
	})
}
