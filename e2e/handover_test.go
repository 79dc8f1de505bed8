package e2e_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"

	"github.com/fairlead/fairlead/internal/devstack"
	"github.com/fairlead/fairlead/workers"
	"github.com/fairlead/fairlead/workflows"
)

// elsewhere is where callbacks go to that a worker of [oneMore] has made the URLs of.
const elsewhere = "http://elsewhere.example"

// oneMore runs another worker beside that of the stack, until stop is called or the test ends.
func oneMore(t *testing.T) (stop func()) {
	t.Helper()
	ports, err := devstack.FreePorts()
	require.NoError(t, err)
	cfg := world.Config()
	cfg.PublicURL, cfg.RunnerListen = elsewhere, fmt.Sprintf("127.0.0.1:%d", ports.Runner)
	cfg.DrainTimeout = 2 * time.Second // all of it is for telling how attempts ended: none goes on
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- workers.Run(ctx, cfg, workers.RoleRunner, slog.New(slog.DiscardHandler)) }()
	t.Cleanup(cancel)
	require.Eventually(t, func() bool {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+cfg.RunnerListen+"/ready", nil)
		if err != nil {
			return false
		}
		response, err := http.DefaultClient.Do(request)
		return err == nil && response.Body.Close() == nil && response.StatusCode == http.StatusOK
	}, time.Minute, 20*time.Millisecond)
	return func() {
		cancel()
		require.NoError(t, <-done)
	}
}

// heldElsewhere has an item's call under way on another worker than the stack's.
type heldElsewhere struct {
	*caller

	run, item string
	// stop stops that worker.
	stop     func()
	upstream *target
}

func holdElsewhere(t *testing.T) heldElsewhere {
	t.Helper()
	stop := oneMore(t)
	reached := make(chan string, 100)
	var upstream *target
	upstream = newTarget(t, func(n int, w http.ResponseWriter, r *http.Request) {
		if strings.Contains(upstream.seen()[n-1].body, elsewhere) {
			reached <- strings.TrimPrefix(r.URL.Path, "/")
			hang(n, w, r)
			return
		}
		sendJSON(w, fmt.Sprintf(`{"n": %d}`, n))
	})
	h := heldElsewhere{caller: asAdmin(t), stop: stop, upstream: upstream}
	h.publish("handed_over")
	for h.item == "" { // which worker takes a call is Temporal's matter
		h.run = h.submit("handed_over", object{"target": upstream.URL}).ID
		require.Eventually(t, func() bool {
			select {
			case h.item = <-reached:
				return true
			default:
			}
			var now run
			h.get("/v1/runs/"+h.run, &now)
			return now.EndedAt != nil
		}, time.Minute, 20*time.Millisecond)
	}
	return h
}

// tokens are those of the item's calls.
func (h heldElsewhere) tokens() []string {
	var tokens []string
	for _, call := range h.upstream.seen() {
		if call.path == "/"+h.item {
			tokens = append(tokens, call.header.Get("Idempotency-Key"))
		}
	}
	return tokens
}

// What another case has under way would be made again too, so that nothing runs beside this one.
func TestItemOfAWorkerThatStops(t *testing.T) { //nolint:paralleltest // see above
	h := holdElsewhere(t)
	h.stop()
	ended := h.ended(h.run)
	require.Equal(t, "succeeded", ended.Status, "%+v", ended.Error)
	firstRuns.Store("handed_over-interrupted", h.run)
	require.Equal(t, 1, h.items(h.run, "call")[h.item].Attempts, "it spends no attempt")
	tokens := h.tokens()
	require.Greater(t, len(tokens), 1)
	require.Equal(t, tokens[len(tokens)-2], tokens[len(tokens)-1], "made again with the same token")
}

// An attempt that is told to stop by its run and by its worker is not made again.
func TestItemOfACanceledRunWhoseWorkerStops(t *testing.T) { //nolint:paralleltest // as above
	h := holdElsewhere(t)
	before := len(h.tokens())
	require.Equal(t, http.StatusAccepted, h.post("/v1/runs/"+h.run+"/cancel", object{}).status)
	temporal := operator(t)
	require.Eventually(t, func() bool {
		events := temporal.GetWorkflowHistory(t.Context(), workflows.RunID("default", h.run), "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
		for events.HasNext() {
			event, err := events.Next()
			if err != nil || event.GetEventType() == enumspb.EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED {
				return err == nil
			}
		}
		return false
	}, time.Minute, 10*time.Millisecond)
	h.stop()
	ended := h.ended(h.run)
	require.Equal(t, "canceled", ended.Status)
	firstRuns.Store("handed_over-canceled", h.run)
	item := h.items(h.run, "call")[h.item]
	require.Equal(t, "canceled", item.Status)
	require.Equal(t, 1, item.Attempts)
	require.Len(t, h.tokens(), before)
}
