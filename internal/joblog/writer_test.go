package joblog_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/joblog"
)

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	kept := memory{}
	j := journal(kept)
	run := newRun(t)
	w := j.Begin(run, "load", "", 2)
	w.Log(slog.LevelInfo, "calling", slog.String("url", "https://shop.example/<a>"), slog.Int64("rows", 9007199254740993))
	w.Log(slog.LevelError, "refused", slog.Any("error", errors.New("no route")), slog.Duration("after", time.Second),
		slog.Group("answer", slog.Int("status", 503), slog.Bool("cached", false)))
	ref, err := w.Close(t.Context())
	require.NoError(t, err)
	require.Equal(t, 2, ref.Records)
	require.Regexp(t, "^logs/team=finance/dt=2026-01-06/run="+run.ID+`/load/0002-\d{13}-[0-9a-f-]{36}\.ndjson\.gz$`, ref.Key)

	sum := sha256.Sum256(kept[ref.Key])
	require.Equal(t, ref.SHA256, hex.EncodeToString(sum[:]))

	records := stored(t, j, run, joblog.Filter{})
	require.Len(t, records, 2)
	require.WithinDuration(t, time.Now(), records[0].Time, time.Minute)
	require.Contains(t, ref.Key, "-"+records[0].Execution+".", "the key names the execution, too")
	require.Equal(t, joblog.Record{
		Time: records[0].Time, Level: "info", Message: "calling", Step: "load", Attempt: 2, Execution: records[0].Execution, Seq: 1,
		Fields: map[string]any{"url": "https://shop.example/<a>", "rows": json.Number("9007199254740993")},
	}, records[0])
	require.Equal(t, map[string]any{
		"error": "no route", "after": "1s", "answer": map[string]any{"status": json.Number("503"), "cached": false},
	}, records[1].Fields)
	require.Equal(t, 2, records[1].Seq)
}

func TestCloseEnds(t *testing.T) {
	t.Parallel()
	j := journal(memory{})
	run := newRun(t)
	ref, err := j.Begin(run, "silent", "", 1).Close(t.Context())
	require.NoError(t, err)
	require.Equal(t, joblog.Ref{}, ref, "nothing logged, no object")

	w := j.Begin(run, "load", "", 1)
	w.Log(slog.LevelInfo, "a")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	ref, err = w.Close(ctx)
	require.NoError(t, err, "a canceled step keeps its log")
	w.Log(slog.LevelInfo, "late")
	again, err := w.Close(t.Context())
	require.NoError(t, err)
	require.Equal(t, ref, again)
	require.Equal(t, []string{"a"}, messages(stored(t, j, run, joblog.Filter{})))
}

func TestMask(t *testing.T) {
	t.Parallel()
	const secret = `s3cr"t/Value 12`
	j := journal(memory{})
	run := newRun(t)
	w := j.Begin(run, "load", "", 1)
	w.Mask("")
	w.Mask(secret)
	w.Mask("s3cr")
	w.Mask("123456")
	w.Log(slog.LevelInfo, "token "+secret,
		slog.String("url", "https://x/?t=s3cr%22t%2FValue+12"),
		slog.Any("nested", map[string]any{"list": []string{secret}, secret: 1, "number": 123456}),
		slog.Any("error", fmt.Errorf("basic %s", "czNjciJ0L1ZhbHVlIDEy")),
		slog.Any("body", struct{ JSON string }{`{"t":"s3cr\"t/Value 12"}`}),
		slog.String("long", strings.Repeat("x", 32<<10-4)+secret),
	)
	_, err := w.Close(t.Context())
	require.NoError(t, err)
	raw, err := json.Marshal(stored(t, j, run, joblog.Filter{}))
	require.NoError(t, err)
	for _, part := range []string{"s3cr", "Value", "123456", "czNj"} {
		require.NotContains(t, string(raw), part)
	}
	require.Contains(t, string(raw), `token ***`)
}

func TestLogIsBounded(t *testing.T) {
	t.Parallel()
	j := journal(memory{})
	run := newRun(t)
	w := j.Begin(run, "load", "", 1)
	long := make([]byte, 24<<10)
	for i := range long {
		long[i] = byte('a' + rand.IntN(26))
	}
	for range 400 { // 9.4 MiB
		w.Log(slog.LevelDebug, string(long))
	}
	w.Log(slog.LevelInfo, "still taken")
	for range 400 {
		w.Log(slog.LevelInfo, string(long))
	}
	w.Log(slog.LevelError, "an error is taken")
	ref, err := w.Close(t.Context())
	require.NoError(t, err)
	records := stored(t, j, run, joblog.Filter{Level: joblog.LevelWarn})
	require.Equal(t, []string{
		"this log is over 8 MiB: from here on debug records are dropped",
		"this log is over 12 MiB: from here on records other than errors are dropped",
		"an error is taken",
	}, messages(records[:3]))
	require.Contains(t, records[3].Message, "records were dropped")
	require.Len(t, stored(t, j, run, joblog.Filter{Query: "still TAKEN"}), 1)
	require.Less(t, ref.Records, 600)
}

func TestHugeRecord(t *testing.T) {
	t.Parallel()
	j := journal(memory{})
	run := newRun(t)
	w := j.Begin(run, "load", "", 1)
	w.Log(slog.LevelInfo, strings.Repeat("é", 1<<20), slog.Any("many", make([]int, 1<<20)))
	w.Log(slog.LevelInfo, "next")
	_, err := w.Close(t.Context())
	require.NoError(t, err)
	records := stored(t, j, run, joblog.Filter{})
	require.Len(t, records, 2)
	require.Contains(t, records[0].Message, "bytes more)")
	require.Contains(t, records[0].Fields, "dropped")
}

func TestRedisAwayCostsNothing(t *testing.T) {
	t.Parallel()
	nowhere := joblog.NewLive("127.0.0.1:1", quiet())
	t.Cleanup(func() { require.NoError(t, nowhere.Close()) })
	j := joblog.New(memory{}, noSpool{}, nowhere, quiet())
	run := newRun(t)
	w := j.Begin(run, "load", "", 1)
	begun := time.Now()
	for range 2_000 {
		w.Log(slog.LevelInfo, "x")
	}
	require.Less(t, time.Since(begun), 2*time.Second)
	_, err := w.Close(t.Context())
	require.NoError(t, err)
	require.Len(t, stored(t, j, run, joblog.Filter{}), 2_000)
	reader, err := j.Reader(run, joblog.Filter{})
	require.NoError(t, err)
	require.ErrorIs(t, reader.Live(t.Context(), time.Second, collect(new([]joblog.Record))), joblog.ErrNoLive)
}

func TestManyGoroutines(t *testing.T) {
	t.Parallel()
	j := journal(memory{})
	run := newRun(t)
	w := j.Begin(run, "load", "", 1)
	var writers sync.WaitGroup
	for range 8 {
		writers.Go(func() {
			for range 100 {
				w.Mask("a secret")
				w.Log(slog.LevelInfo, "x")
			}
		})
	}
	writers.Wait()
	_, err := w.Close(t.Context())
	require.NoError(t, err)
	records := stored(t, j, run, joblog.Filter{})
	require.Len(t, records, 800)
	for i, record := range records {
		require.Equal(t, i+1, record.Seq)
	}
}
