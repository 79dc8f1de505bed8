package joblog_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/klauspost/compress/gzip"
	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/joblog"
)

// put keeps the object of an execution that ended at a time, with so many records, and returns its key.
func (m memory) put(t require.TestingT, run joblog.Run, step, execution string, ended time.Time, records int) string {
	var zipped bytes.Buffer
	w, err := gzip.NewWriterLevel(&zipped, gzip.StatelessCompression)
	require.NoError(t, err)
	for seq := 1; seq <= records; seq++ {
		_, err = w.Write(append(line(t, step, execution, seq), '\n'))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	key := joblog.Key(run, step, "", 1, ended, execution)
	m[key] = zipped.Bytes()
	return key
}

// line is a record as it is kept; its message is "EXECUTION/SEQ".
func line(t require.TestingT, step, execution string, seq int) []byte {
	raw, err := json.Marshal(joblog.Record{
		Level: joblog.LevelInfo, Message: fmt.Sprint(execution, "/", seq), Step: step, Attempt: 1, Execution: execution, Seq: seq,
	})
	require.NoError(t, err)
	return raw
}

// position is one behind two of three records.
func position(t require.TestingT, run joblog.Run, filter joblog.Filter) string {
	objects := memory{}
	objects.put(t, run, "a", "e1", time.Unix(1, 0), 1)
	objects.put(t, run, "a", "e2", time.Now(), 2)
	reader, err := journal(objects).Reader(run, filter)
	require.NoError(t, err)
	var after string
	_ = reader.Stored(context.Background(), func(record joblog.Record) error {
		if after = reader.Position(); record.Execution == "e2" {
			return io.EOF
		}
		return nil
	})
	return after
}

var errFull = errors.New("the page is full")

// pages reads all that is stored in pages of so many records, each by a reader of
// its own, and returns the messages and the longest position.
func pages(t *testing.T, j *joblog.Journal, run joblog.Run, size int) (texts []string, longest int) {
	t.Helper()
	after := ""
	for {
		reader, err := j.Reader(run, joblog.Filter{After: after})
		require.NoError(t, err)
		left := size
		err = reader.Stored(t.Context(), func(record joblog.Record) error {
			texts = append(texts, record.Message)
			if left--; left > 0 {
				return nil
			}
			after = reader.Position()
			return errFull
		})
		longest = max(longest, len(after))
		if err == nil {
			return texts, longest
		}
		require.ErrorIs(t, err, errFull)
	}
}

func TestAPositionStaysSmall(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		since            time.Time
		executions, most int
	}{
		"long over":          {time.Now().Add(-time.Hour), 3_000, 200},
		"just now":           {time.Now(), 1_500, 8 << 10},
		"in the last minute": {time.Now().Add(-time.Minute), 1_500, 8 << 10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			objects := memory{}
			run := newRun(t)
			var want []string
			for i := range c.executions {
				execution := fmt.Sprintf("0191f0c2-0000-7000-8000-%012d", i)
				objects.put(t, run, fmt.Sprint("step_", i%7), execution, c.since.Add(time.Duration(i)*40*time.Millisecond), 2)
				want = append(want, execution+"/1", execution+"/2")
			}
			texts, longest := pages(t, journal(objects), run, 999)
			require.Equal(t, want, texts)
			require.Less(t, longest, c.most)
		})
	}
}

// An object that comes late is neither missed nor read twice, whoever goes on where.
func TestALateObjectIsSeen(t *testing.T) {
	t.Parallel()
	objects := memory{}
	run := newRun(t)
	now := time.Now()
	objects.put(t, run, "a", "old", now.Add(-time.Hour), 1)
	late := objects.put(t, run, "a", "late", now.Add(-5*time.Second), 2)
	objects.put(t, run, "a", "new", now, 2)
	hidden := objects[late]
	delete(objects, late)
	j := journal(objects)
	reader, err := j.Reader(run, joblog.Filter{})
	require.NoError(t, err)
	var first []joblog.Record
	require.NoError(t, reader.Stored(t.Context(), collect(&first)))
	require.Equal(t, []string{"old/1", "new/1", "new/2"}, messages(first))
	objects[late] = hidden
	require.Equal(t, []string{"late/1", "late/2"}, messages(stored(t, j, run, joblog.Filter{After: reader.Position()})))

	var more []joblog.Record
	objects.put(t, run, "a", "slow_clock", now.Add(-2*time.Hour), 1)
	require.NoError(t, reader.Stored(t.Context(), collect(&more)))
	require.ElementsMatch(t, []string{"late/1", "late/2", "slow_clock/1"}, messages(more), "a reader that goes on misses nothing, whatever the clocks say")
	require.NoError(t, reader.Stored(t.Context(), collect(&more)))
	require.Len(t, more, 3)
}

// liveLog is a journal over objects and a live stream, and what copies an execution's records to that.
func liveLog(t *testing.T, objects memory, run joblog.Run) (j *joblog.Journal, copyLive func(execution string, seqs ...int)) {
	t.Helper()
	redis := miniredis.RunT(t)
	live := joblog.NewLive(redis.Addr(), quiet())
	t.Cleanup(func() { require.NoError(t, live.Close()) })
	return joblog.New(objects, noSpool{}, live, quiet()), func(execution string, seqs ...int) {
		for _, seq := range seqs {
			_, err := redis.XAdd("fairlead:log:"+run.ID, "*", []string{"r", string(line(t, "a", execution, seq))})
			require.NoError(t, err)
		}
	}
}

// The live stream still has records of executions that a position no longer lists.
func TestALiveRecordOfWhatIsOverComesOnce(t *testing.T) {
	t.Parallel()
	objects := memory{}
	run := newRun(t)
	j, copyLive := liveLog(t, objects, run)
	objects.put(t, run, "a", "over", time.Now().Add(-time.Hour), 3)
	copyLive("over", 1, 3)
	copyLive("open", 1)
	reader, err := j.Reader(run, joblog.Filter{})
	require.NoError(t, err)
	var records []joblog.Record
	require.NoError(t, reader.Stored(t.Context(), collect(&records)))
	after := reader.Position()
	require.NoError(t, reader.Live(t.Context(), 0, collect(&records)))
	require.Equal(t, []string{"over/1", "over/2", "over/3", "open/1"}, messages(records))

	resumed, err := j.Reader(run, joblog.Filter{After: after})
	require.NoError(t, err)
	records = nil
	require.NoError(t, resumed.Live(t.Context(), 0, collect(&records)))
	require.Equal(t, []string{"open/1"}, messages(records))
}

// More executions than a position has room for are left to their objects.
func TestManyLiveExecutions(t *testing.T) {
	t.Parallel()
	objects := memory{}
	run := newRun(t)
	j, copyLive := liveLog(t, objects, run)
	const executions = 500
	for i := range executions {
		copyLive(fmt.Sprint("e", i), 2) // the first record was lost
	}
	reader, err := j.Reader(run, joblog.Filter{})
	require.NoError(t, err)
	var records []joblog.Record
	require.NoError(t, reader.Live(t.Context(), 0, collect(&records)))
	require.Len(t, records, 200)
	require.Less(t, len(reader.Position()), 8<<10)
	for i := range executions {
		objects.put(t, run, "a", fmt.Sprint("e", i), time.Now(), 3)
	}
	resumed, err := j.Reader(run, joblog.Filter{After: reader.Position()})
	require.NoError(t, err)
	require.NoError(t, resumed.Stored(t.Context(), collect(&records)))
	require.NoError(t, resumed.Live(t.Context(), 0, collect(&records)))
	require.Len(t, records, 3*executions)
	require.Less(t, len(resumed.Position()), 8<<10)
	seen := map[string]bool{}
	for _, message := range messages(records) {
		require.False(t, seen[message], message)
		seen[message] = true
	}
}

// What can't be read now stays in front of the position, whatever comes behind it.
func TestAPositionWaitsForWhatCantBeRead(t *testing.T) {
	t.Parallel()
	objects := memory{}
	run := newRun(t)
	ended := time.Now().Add(-time.Hour)
	damaged := objects.put(t, run, "a", "damaged", ended, 1)
	whole := objects[damaged]
	objects[damaged] = []byte("no gzip")
	const others = 500
	for i := range others {
		objects.put(t, run, "a", fmt.Sprintf("e%04d", i), ended.Add(time.Duration(i+1)*time.Second/10), 1)
	}
	j := journal(objects)
	reader, err := j.Reader(run, joblog.Filter{})
	require.NoError(t, err)
	var records []joblog.Record
	require.Equal(t, job.CodeUnavailable, job.CodeOf(reader.Stored(t.Context(), collect(&records))))
	require.Len(t, records, 400, "as many as a position can list")
	require.Less(t, len(reader.Position()), 8<<10)
	objects[damaged] = whole
	rest := stored(t, j, run, joblog.Filter{After: reader.Position()})
	require.Equal(t, "damaged/1", rest[0].Message)
	require.Len(t, rest, others-400+1)
}

func TestAPositionIsOfItsRunAndFilter(t *testing.T) {
	t.Parallel()
	j := journal(memory{})
	run := newRun(t)
	filter := joblog.Filter{Step: "a", Query: "e"}
	after := position(t, run, filter)
	filter.After = after
	_, err := j.Reader(run, filter)
	require.NoError(t, err)
	for _, other := range []joblog.Filter{{}, {Step: "b", Query: "e"}, {Step: "a"}, {Step: "a", Query: "e", Attempt: 1}, {Step: "a", Query: "e", Level: "warn"}} {
		other.After = after
		_, err := j.Reader(run, other)
		require.ErrorContains(t, err, "with this filter")
	}
	_, err = j.Reader(newRun(t), filter)
	require.Equal(t, job.CodeMalformed, job.CodeOf(err))
	filter.After = strings.Repeat("A", 1<<20)
	_, err = j.Reader(run, filter)
	require.Equal(t, job.CodeMalformed, job.CodeOf(err))
}

func TestMoreThanOneExecutionInAnObjectIsDamage(t *testing.T) {
	t.Parallel()
	run := newRun(t)
	for name, lines := range map[string]string{
		"a gap":             `{"execution":"e","seq":1}` + "\n" + `{"execution":"e","seq":3}`,
		"another execution": `{"execution":"e","seq":1}` + "\n" + `{"execution":"f","seq":2}`,
		"not from 1":        `{"execution":"e","seq":2}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var zipped bytes.Buffer
			w := gzip.NewWriter(&zipped)
			_, err := w.Write([]byte(lines))
			require.NoError(t, err)
			require.NoError(t, w.Close())
			reader, err := journal(memory{joblog.Key(run, "a", "", 1, time.Now(), "e"): zipped.Bytes()}).Reader(run, joblog.Filter{})
			require.NoError(t, err)
			require.Equal(t, job.CodeUnavailable, job.CodeOf(reader.Stored(t.Context(), collect(new([]joblog.Record)))))
		})
	}
}
