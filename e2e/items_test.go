package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestForeachToleratesAnItem(t *testing.T) {
	t.Parallel()
	target := newTarget(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/load/us":
			w.WriteHeader(http.StatusBadRequest)
		case "/load/ünïcode 🚢":
			w.WriteHeader(http.StatusNotFound) // covered by continueOnError
		default:
			sendJSON(w, fmt.Sprintf(`{"rows": %d}`, len(path.Base(r.URL.Path))))
		}
	})
	admin := asAdmin(t)
	admin.publish("fan_out")
	ended := admin.finish("fan_out", object{"target": target.URL, "regions": []string{"eu", "us", "ünïcode 🚢", "asia"}})
	require.Equal(t, "succeeded", ended.Status, "%+v", ended.Error)
	require.JSONEq(t, `6`, string(ended.Output))
	load := admin.step(ended.ID, "load")
	require.JSONEq(t, `[2, null, null, 4]`, string(load.Output))
	require.Equal(t, 4, load.Items.Total)
	require.Equal(t, 2, load.Items.Failed)
	items := admin.items(ended.ID, "load")
	require.Equal(t, "failed", items["us"].Status)
	require.Equal(t, 1, items["us"].Index)
	require.Equal(t, "http_status", items["us"].Error.Code)
	require.Equal(t, "tolerated", items["ünïcode 🚢"].Reason)
	require.Equal(t, "succeeded", items["asia"].Status)

	tokens := map[string]bool{}
	for _, call := range target.seen() {
		tokens[call.header.Get("Idempotency-Key")] = true
	}
	require.Len(t, tokens, 5, "each item has a token of its own")
	var report struct {
		Rows   json.RawMessage
		Failed int
		First  string
	}
	require.NoError(t, json.Unmarshal([]byte(target.seen()[4].body), &report))
	require.JSONEq(t, `[2, null, null, 4]`, string(report.Rows))
	require.Equal(t, 2, report.Failed)
	require.Contains(t, []string{"us", "ünïcode 🚢"}, report.First, "whichever failed first")
	answer := admin.send(http.MethodGet, "/v1/runs/"+ended.ID+"/logs?step=load&item=us", nil, "Accept", "application/x-ndjson")
	require.Equal(t, http.StatusOK, answer.status)
	require.Contains(t, string(answer.body), "400")
	require.NotContains(t, string(answer.body), "asia")
}

func TestForeachFailsWithTooManyItems(t *testing.T) {
	t.Parallel()
	target := newTarget(t, func(_ int, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadRequest) })
	admin := asAdmin(t)
	admin.publish("fan_out")
	regions := strings.Split("abcdefghijklmnopqrst", "")
	ended := admin.finish("fan_out", object{"target": target.URL, "regions": regions})
	require.Equal(t, "failed", ended.Status)
	require.Equal(t, "items_failed", ended.Error.Code)
	require.Equal(t, "load", ended.Error.Step)
	require.NotEmpty(t, ended.Error.Item)
	require.LessOrEqual(t, len(target.seen()), 4, "nothing new is started once it has failed")
}

func TestForeachRefusesItsList(t *testing.T) {
	t.Parallel()
	admin := asAdmin(t)
	admin.publish("fan_out")
	for code, regions := range map[string][]string{"foreach_key": {"eu", "us", "eu"}, "foreach_size": slices.Repeat([]string{"x"}, 1001)} {
		ended := admin.finish("fan_out", object{"target": "http://127.0.0.1:9", "regions": regions})
		require.Equal(t, "failed", ended.Status)
		require.Equal(t, code, ended.Error.Code, "%+v", ended.Error)
	}
	ended := admin.finish("fan_out", object{"target": "http://127.0.0.1:9", "regions": []string{}})
	require.JSONEq(t, `[]`, string(admin.step(ended.ID, "load").Output), "nothing to do is done")
}

func TestGroupsRunTheirStepsForEachItem(t *testing.T) {
	t.Parallel()
	target := newTarget(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		rows := map[string]int{"/copy/eu": 5, "/copy/us": 0, "/count/eu": 5, "/count/us": 0, "/first": 1, "/second": 2}
		if r.URL.Path == "/regions" {
			sendJSON(w, `[{"name": "eu"}, {"name": "us"}]`)
			return
		}
		sendJSON(w, fmt.Sprintf(`{"rows": %d}`, rows[r.URL.Path]))
	})
	admin := asAdmin(t)
	admin.publish("groups")
	ended := admin.finish("groups", object{"target": target.URL})
	require.Equal(t, "succeeded", ended.Status, "%+v", ended.Error)
	require.JSONEq(t, `{"load": [{"name": "eu", "rows": 5}, null], "once": 3}`, string(ended.Output))
	require.Equal(t, "failed", admin.items(ended.ID, "load")["us"].Status)
	require.Equal(t, "empty", admin.items(ended.ID, "load")["us"].Error.Code)
	require.Equal(t, "succeeded", admin.items(ended.ID, "count")["us"].Status)
	require.Equal(t, "skipped", admin.items(ended.ID, "empty")["eu"].Status)
	steps := admin.steps(ended.ID)
	require.Equal(t, 2, steps["copy"].Items.Succeeded)
	require.Equal(t, "succeeded", steps["first"].Status)
}
