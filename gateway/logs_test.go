package gateway_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/gateway/api"
	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/joblog"
	"github.com/fairlead/fairlead/internal/store"
)

// writeLog writes a step's log with the given messages.
func (w *world) writeLog(step string, messages ...string) {
	w.t.Helper()
	writer := w.journal.Begin(joblog.Run{Team: "default", ID: runID, CreatedAt: someTime}, step, "", 1)
	for _, message := range messages {
		writer.Log(slog.LevelInfo, message, slog.String("kind", "test"))
	}
	_, err := writer.Close(context.WithoutCancel(w.t.Context()))
	require.NoError(w.t, err)
}

// endRun ends the run.
func (w *world) endRun(status job.Status) {
	w.t.Helper()
	run := someRun(runID, "default")
	run.Status, run.EndedAt = status, someTime.Add(time.Minute)
	w.memory.put(run, store.Step{Run: runID, ID: "fetch", Status: job.StatusSucceeded, Attempts: 1})
}

func messages(records []api.LogRecord) string {
	texts := make([]string, len(records))
	for i, record := range records {
		texts[i] = record.Msg
	}
	return strings.Join(texts, " ")
}

func TestLogPages(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.writeLog("fetch", "a", "b", "c")
	w.writeLog("tell", "d", "e")
	const path = "/v1/runs/" + runID + "/logs"
	var all []string
	next := path + "?limit=2"
	for range 3 {
		answer := w.do(request{path: next})
		require.Equal(t, http.StatusOK, answer.Code, answer.Body.String())
		page := decode[api.LogPage](t, answer.Body.Bytes())
		all = append(all, messages(page.Items))
		next = path + "?limit=2&after=" + url.QueryEscape(page.Next)
	}
	require.Equal(t, []string{"a b", "c d", "e"}, all)
	page := decode[api.LogPage](t, w.do(request{path: path + "?step=fetch&attempt=1&level=info&q=B"}).Body.Bytes())
	require.Equal(t, "b", messages(page.Items))
	record := page.Items[0]
	require.Equal(t, "fetch", record.Step)
	require.Equal(t, int64(2), record.Seq)
	require.Equal(t, map[string]any{"kind": "test"}, record.Fields)
	require.Empty(t, decode[api.LogPage](t, w.do(request{path: path + "?level=error"}).Body.Bytes()).Items)
}

func TestLogLines(t *testing.T) {
	t.Parallel()
	w := setup(t)
	header := map[string]string{"Accept": "application/x-ndjson"}
	const path = "/v1/runs/" + runID + "/logs"
	empty := w.do(request{path: path, header: header})
	require.Equal(t, http.StatusOK, empty.Code)
	require.Equal(t, "application/x-ndjson", empty.Header().Get("Content-Type"))
	require.Empty(t, empty.Body.String())
	w.writeLog("fetch", "a", "b")
	lines := strings.Split(strings.TrimSuffix(w.do(request{path: path, header: header}).Body.String(), "\n"), "\n")
	require.Len(t, lines, 2)
	require.Equal(t, "b", decode[api.LogRecord](t, []byte(lines[1])).Msg)
	w.bucket.fail(errors.New("no connection"))
	require.Equal(t, api.CodeUnavailable, problemOf(t, w.do(request{path: path, header: header})).Code)
}

// follow opens an event stream on a real server and returns its lines.
func (w *world) follow(server *httptest.Server, lastID string) *bufio.Scanner {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, server.URL+"/v1/runs/"+runID+"/logs", http.NoBody)
	require.NoError(w.t, err)
	req.Header.Set("Authorization", "Bearer viewer")
	req.Header.Set("Accept", "text/event-stream")
	req.Header.Set("Last-Event-ID", lastID)
	answer, err := server.Client().Do(req)
	require.NoError(w.t, err)
	w.t.Cleanup(func() { require.NoError(w.t, answer.Body.Close()) })
	require.Equal(w.t, http.StatusOK, answer.StatusCode)
	require.Equal(w.t, "text/event-stream", answer.Header.Get("Content-Type"))
	return bufio.NewScanner(answer.Body)
}

// event is one server-sent event.
type event struct{ id, name, data string }

// nextEvent reads one event; false at the end of the stream.
func nextEvent(t *testing.T, lines *bufio.Scanner) (event, bool) {
	t.Helper()
	var e event
	for lines.Scan() {
		line := lines.Text()
		name, value, _ := strings.Cut(line, ": ")
		switch {
		case line == "" && e.name != "":
			return e, true
		case line == "", name == "":
		case name == "id":
			e.id = value
		case name == "event":
			e.name = value
		case name == "data":
			e.data = value
		default:
			require.Fail(t, "not an event", line)
		}
	}
	return event{}, false
}

func TestFollowAnEndedRun(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.writeLog("fetch", "a", "b")
	w.writeLog("tell", "c")
	w.endRun(job.StatusFailed)
	server := httptest.NewServer(w.handler)
	defer server.Close()
	lines := w.follow(server, "")
	var seen []event
	for {
		e, ok := nextEvent(t, lines)
		if !ok {
			break
		}
		seen = append(seen, e)
	}
	require.Len(t, seen, 4)
	for i, want := range []string{"a", "b", "c"} {
		require.Equal(t, "log", seen[i].name)
		require.NotEmpty(t, seen[i].id)
		require.Equal(t, want, decode[api.LogRecord](t, []byte(seen[i].data)).Msg)
	}
	require.Equal(t, "end", seen[3].name)
	require.JSONEq(t, fmt.Sprintf(`{"run": %q, "status": "failed"}`, runID), seen[3].data)

	again := w.follow(server, seen[1].id)
	e, ok := nextEvent(t, again)
	require.True(t, ok)
	require.Equal(t, seen[2], e, "what was seen doesn't come again")
	e, ok = nextEvent(t, again)
	require.True(t, ok)
	require.Equal(t, "end", e.name)
}

func TestFollowLive(t *testing.T) {
	t.Parallel()
	redis := miniredis.RunT(t)
	live := joblog.NewLive(redis.Addr(), discard())
	t.Cleanup(func() { require.NoError(t, live.Close()) })
	w := setup(t, func(w *world) { w.live = live })
	server := httptest.NewServer(w.handler)
	defer server.Close()
	lines := w.follow(server, "")
	writer := w.journal.Begin(joblog.Run{Team: "default", ID: runID, CreatedAt: someTime}, "fetch", "", 1)
	heard, logs := make(chan struct{}), make(chan []string)
	go func() { // a live copy may be lost on a busy machine; one of the next isn't
		var logged []string
		for ticker := time.NewTicker(50 * time.Millisecond); ; {
			logged = append(logged, fmt.Sprint("record ", len(logged)))
			writer.Log(slog.LevelInfo, logged[len(logged)-1])
			select {
			case <-ticker.C:
			case <-heard:
				ticker.Stop()
				logs <- logged
				return
			}
		}
	}()
	e, ok := nextEvent(t, lines)
	require.True(t, ok, "a record comes while the step runs")
	close(heard)
	logged, seen := <-logs, []string{}
	_, err := writer.Close(t.Context())
	require.NoError(t, err)
	w.endRun(job.StatusSucceeded)
	for ; ok && e.name == "log"; e, ok = nextEvent(t, lines) {
		seen = append(seen, decode[api.LogRecord](t, []byte(e.data)).Msg)
	}
	require.True(t, ok)
	require.ElementsMatch(t, logged, seen, "each record once, live or stored")
	require.Equal(t, event{name: "end", data: `{"run":"` + runID + `","status":"succeeded"}`}, e)
	_, ok = nextEvent(t, lines)
	require.False(t, ok, "the stream is over")
}

func TestFollowEndsWhenTheGatewayDrains(t *testing.T) {
	t.Parallel()
	w := setup(t)
	server := httptest.NewServer(w.handler)
	defer server.Close()
	lines := w.follow(server, "")
	close(w.drain)
	_, ok := nextEvent(t, lines)
	require.False(t, ok, "without an end: the caller comes back")

	answer := w.do(request{path: "/v1/runs/" + runID + "/logs", header: map[string]string{"Accept": "text/event-stream"}})
	require.Equal(t, http.StatusServiceUnavailable, answer.Code, "no stream begins any more")
	require.Equal(t, api.CodeUnavailable, problemOf(t, answer).Code)
	require.NotEmpty(t, answer.Header().Get("Retry-After"))
}

// The events of a run of many executions stay small, and a cut stream goes on where it was.
func TestFollowARunOfManyExecutions(t *testing.T) {
	t.Parallel()
	w := setup(t)
	const executions = 1_000
	for i := range executions {
		w.writeLog("fetch", fmt.Sprint(i))
	}
	w.endRun(job.StatusFailed)
	server := httptest.NewServer(w.handler)
	t.Cleanup(server.Close) // once the cut streams are closed
	last, seen := "", map[string]int{}
	for ended := false; !ended; {
		lines := w.follow(server, last)
		for range 350 { // then the connection is cut
			e, ok := nextEvent(t, lines)
			require.True(t, ok)
			require.Less(t, len(e.id), 8<<10)
			if ended = e.name == "end"; ended {
				break
			}
			last = e.id
			seen[decode[api.LogRecord](t, []byte(e.data)).Msg]++
		}
	}
	require.Len(t, seen, executions)
	for message, times := range seen {
		require.Equal(t, 1, times, message)
	}
}

func TestFollowFromNowhere(t *testing.T) {
	t.Parallel()
	w := setup(t)
	answer := w.do(request{path: "/v1/runs/" + runID + "/logs", header: map[string]string{"Accept": "text/event-stream", "Last-Event-ID": "!"}})
	require.Equal(t, api.CodeMalformed, problemOf(t, answer).Code, "an error before the stream begins is a problem")
	_, err := io.Copy(io.Discard, answer.Body)
	require.NoError(t, err)
}
