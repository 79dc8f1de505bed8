package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestChainPassesOutputsOn(t *testing.T) {
	t.Parallel()
	target := newTarget(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/orders" {
			sendJSON(w, `{"rows": [{"id": 9007199254740993}, {"id": 2}]}`)
			return
		}
		sendJSON(w, `{"stored": 2}`)
	})
	admin := asAdmin(t)
	admin.publish("passes_on")
	ended := admin.finish("passes_on", object{"target": target.URL, "day": "2026-11-20"})
	require.Equal(t, "succeeded", ended.Status, "%+v", ended.Error)
	require.JSONEq(t, `{"stored": 2, "first": 9007199254740993}`, string(ended.Output))
	require.Equal(t, "ana", ended.Trigger.By)

	calls := target.seen()
	require.Len(t, calls, 2)
	require.Equal(t, "/orders?day=2026-11-20&tag=a&tag=b", calls[0].path)
	require.Equal(t, "Basic cmVhZGVyOnNlY3JldC1vZi10aGUtcmVhZGVy", calls[0].header.Get("Authorization"))
	require.JSONEq(t, `{"rows": [9007199254740993, 2], "copies": 2, "note": "day 2026-11-20, 2 rows"}`, calls[1].body, "large ids survive exactly, defaults apply")
	require.NotEmpty(t, calls[0].header.Get("Idempotency-Key"))
	require.NotEqual(t, calls[0].header.Get("Idempotency-Key"), calls[1].header.Get("Idempotency-Key"))

	log, err := json.Marshal(admin.log(ended.ID))
	require.NoError(t, err)
	require.Contains(t, string(log), "/orders")
	require.NotContains(t, string(log), "secret-of-the-reader")
	require.NotContains(t, string(log), "cmVhZGVyOnNlY3JldC1vZi10aGUtcmVhZGVy")
}

func TestGraphRunsBranchesAtOnce(t *testing.T) {
	t.Parallel()
	met := make(chan struct{}, 1)
	target := newTarget(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/left": // answers only while the other branch is being called
			met <- struct{}{}
		case "/right":
			select {
			case <-met:
			case <-time.After(30 * time.Second):
				w.WriteHeader(http.StatusConflict)
				return
			}
		}
		sendJSON(w, `{"n": 21}`)
	})
	admin := asAdmin(t)
	admin.publish("branches")
	ended := admin.finish("branches", object{"target": target.URL})
	require.Equal(t, "succeeded", ended.Status, "%+v", ended.Error)
	require.JSONEq(t, `{"never": "skipped", "sum": 42}`, string(ended.Output))
	require.Equal(t, step{ID: "never", Status: "skipped", Reason: "condition"}, admin.steps(ended.ID)["never"])
	calls := target.seen()
	require.Len(t, calls, 3)
	require.Equal(t, "/join", calls[2].path)
}

func TestLargeOutputTravels(t *testing.T) {
	t.Parallel()
	body := fmt.Sprintf(`{"rows": [%s1]}`, strings.Repeat(`"0123456789abcdef", `, 25_000))
	target := newTarget(t, func(_ int, w http.ResponseWriter, _ *http.Request) { sendJSON(w, body) })
	require.Greater(t, len(body), 500_000-1)
	admin := asAdmin(t)
	admin.publish("large")
	ended := admin.finish("large", object{"target": target.URL})
	require.Equal(t, "succeeded", ended.Status, "%+v", ended.Error)
	require.JSONEq(t, body, target.seen()[1].body)

	require.Empty(t, ended.Output, "too large to be inline")
	require.NotEmpty(t, ended.OutputURL)
	answer := admin.send(http.MethodGet, ended.OutputURL, nil)
	require.Equal(t, http.StatusOK, answer.status)
	require.JSONEq(t, body, string(answer.body))
}

func TestUnicodeSurvives(t *testing.T) {
	t.Parallel()
	const text = "Grüße, 世界 👋 \u2028 \"quoted\" \\ ${not an expression}"
	target := newTarget(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		encoded, _ := json.Marshal(object{"text": r.URL.Query().Get("q"), "id": json.Number("12345678901234567")})
		sendJSON(w, string(encoded))
	})
	admin := asAdmin(t)
	admin.publish("unicode")
	ended := admin.finish("unicode", object{"target": target.URL, "text": text})
	require.Equal(t, "succeeded", ended.Status, "%+v", ended.Error)
	var output object
	require.NoError(t, json.Unmarshal(ended.Output, &output))
	require.Equal(t, text, output["text"])
	require.Equal(t, "${x}", output["literal"])
	require.Contains(t, string(ended.Output), "12345678901234567")
	var sent object
	require.NoError(t, json.Unmarshal([]byte(target.seen()[0].body), &sent))
	require.Equal(t, "→ "+text+" ←", sent["ключ"])
	require.Equal(t, "costs ${5}", sent["note"])
}
