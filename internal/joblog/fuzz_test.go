package joblog_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/joblog"
)

func FuzzKey(f *testing.F) {
	f.Add("finance", "run_1", "load", "", "0191-a")
	f.Add("../x", "run=/..", "a/b", "..", "%2e%2e")
	f.Add("", "", "", "\x00", strings.Repeat("é", 300))
	f.Add("a~2fb", "a/b", ".", "~", "-")
	f.Fuzz(func(t *testing.T, team, run, step, item, execution string) {
		at := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
		key := joblog.Key(joblog.Run{Team: team, ID: run, CreatedAt: at}, step, item, 1, at, execution)
		parts := strings.Split(key, "/")
		want := 6
		if item != "" {
			want = 7
		}
		require.Len(t, parts, want, "no name adds a folder")
		require.Equal(t, []string{"logs", "dt=2026-01-05"}, []string{parts[0], parts[2]})
		require.True(t, strings.HasPrefix(parts[1], "team=") && strings.HasPrefix(parts[3], "run="))
		require.True(t, strings.HasSuffix(key, ".ndjson.gz"))
		require.LessOrEqual(t, len(key), 1024, "S3's limit")
		for i, part := range parts {
			require.LessOrEqual(t, len(part), 255, "a file system's limit")
			require.NotContains(t, []string{".", ".."}, part)
			require.True(t, part != "" || i == 4 && step == "", "an empty name only where the step has none")
		}
		require.NotContains(t, strings.TrimSuffix(key, ".ndjson.gz"), ".")
		if step != "" {
			require.Equal(t, key, path.Clean(key))
		}
		other := joblog.Key(joblog.Run{Team: team + "x", ID: run, CreatedAt: at}, step, item, 1, at, execution)
		require.NotEqual(t, key, other, "another name, another key")
	})
}

// FuzzRecord: whatever is logged comes back as one record a line, and holds no secret.
func FuzzRecord(f *testing.F) {
	f.Add("hello", "key", "value", "secret")
	f.Add("a\nb\x00\xff", "", "{\"a\":1}", "a")
	f.Add("***", "k", "\u2028</script>", "*")
	f.Fuzz(func(t *testing.T, message, key, value, secret string) {
		j := journal(memory{})
		run := newRun(t)
		w := j.Begin(run, "step", "", 1)
		w.Mask(secret)
		w.Log(slog.LevelInfo, message, slog.String(key, value), slog.Any("list", []any{value, map[string]any{key: message}}))
		w.Log(slog.LevelWarn, "last")
		_, err := w.Close(t.Context())
		require.NoError(t, err)
		records := stored(t, j, run, joblog.Filter{})
		require.Len(t, records, 2)
		require.Equal(t, 1, records[0].Seq)
		if len(secret) > len("***") && !strings.ContainsAny(secret, "*") && json.Valid([]byte(`"`+secret+`"`)) {
			texts := records[0].Message
			for _, field := range records[0].Fields {
				if text, ok := field.(string); ok {
					texts += "\x00" + text
				}
			}
			require.NotContains(t, texts, secret)
		}
	})
}

// FuzzRead: an object of any content is read or refused, and never ends the process.
func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"ts":"2026-01-05T00:00:00Z","level":"info","msg":"x","step":"a","attempt":1,"execution":"e","seq":1}`))
	f.Add([]byte("{\"seq\":-1}\n{\"seq\":9223372036854775807,\"level\":\"none\"}\nnull\n[]"))
	f.Add([]byte{0x1f, 0x8b})
	f.Fuzz(func(t *testing.T, body []byte) {
		run := newRun(t)
		var zipped bytes.Buffer
		w := gzip.NewWriter(&zipped)
		_, err := w.Write(body)
		require.NoError(t, err)
		require.NoError(t, w.Close())
		j := journal(memory{
			joblog.Key(run, "raw", "", 1, time.Now(), "a"):    body,
			joblog.Key(run, "zipped", "", 1, time.Now(), "b"): zipped.Bytes(),
		})
		reader, err := j.Reader(run, joblog.Filter{Query: "x"})
		require.NoError(t, err)
		_ = reader.Stored(t.Context(), collect(new([]joblog.Record)))
		resumed, err := j.Reader(run, joblog.Filter{Query: "x", After: reader.Position()})
		require.NoError(t, err, "a position can always be read back")
		require.Equal(t, reader.Position(), resumed.Position())
	})
}

func FuzzPosition(f *testing.F) {
	run := joblog.Run{Team: "finance", ID: "run_1", CreatedAt: time.Unix(0, 0)}
	f.Add("")
	f.Add("AAAAAAAAAQEA")
	f.Add(position(f, run, joblog.Filter{}))
	f.Fuzz(func(t *testing.T, text string) {
		reader, err := journal(memory{}).Reader(run, joblog.Filter{After: text})
		if err != nil {
			require.Equal(t, job.CodeMalformed, job.CodeOf(err))
			return
		}
		again, err := journal(memory{}).Reader(run, joblog.Filter{After: reader.Position()})
		require.NoError(t, err)
		require.Equal(t, reader.Position(), again.Position())
	})
}

// Objects that come in any order, part by part, and with any breaks give every record once.
func TestEveryRecordOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		written, shown := memory{}, memory{}
		writing := journal(written)
		run := joblog.Run{Team: "finance", ID: "run_1", CreatedAt: time.Unix(0, 0)}
		var want []string
		for i, count := range rapid.SliceOfN(rapid.IntRange(1, 5), 1, 5).Draw(rt, "executions") {
			w := writing.Begin(run, string(rune('a'+i)), "", 1)
			for n := range count {
				text := string(rune('a'+i)) + string(rune('0'+n))
				w.Log(slog.LevelInfo, text)
				want = append(want, text)
			}
			_, err := w.Close(t.Context())
			require.NoError(rt, err)
		}
		keys, err := written.Keys(t.Context(), "")
		require.NoError(rt, err)
		slices.Sort(keys)
		reading := journal(shown)
		var got []string
		after := ""
		for _, key := range append(rapid.Permutation(keys).Draw(rt, "order"), "") {
			if key != "" {
				shown[key] = written[key]
			}
			reader, err := reading.Reader(run, joblog.Filter{After: after})
			require.NoError(rt, err)
			left := rapid.IntRange(1, 8).Draw(rt, "page")
			if key == "" {
				left = len(want)
			}
			_ = reader.Stored(t.Context(), func(record joblog.Record) error {
				got, after = append(got, record.Message), reader.Position()
				if left--; left == 0 {
					return io.EOF
				}
				return nil
			})
		}
		require.ElementsMatch(rt, want, got)
	})
}
