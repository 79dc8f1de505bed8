package gateway_test

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/gateway/api"
	"github.com/fairlead/fairlead/internal/job"
)

const goodInput = `{"input": {"day": "2026-11-19"}, "labels": {"reason": "test"}, "priority": 1}`

func TestSubmitKeepsARunAndStartsIt(t *testing.T) {
	t.Parallel()
	w := setup(t)
	answer := w.submit(goodInput, nil)
	require.Equal(t, http.StatusAccepted, answer.Code, answer.Body.String())
	run := decode[api.Run](t, answer.Body.Bytes())
	require.Equal(t, "/v1/runs/"+run.Id, answer.Header().Get("Location"))
	require.Empty(t, answer.Header().Get("Preference-Applied"))
	require.True(t, job.ValidRunID(run.Id), run.Id)
	require.Equal(t, []string{run.Id}, w.starter.runs())
	require.JSONEq(t, `{"day": "2026-11-19", "dry": false}`, string(run.Input), "defaults are filled in")
	run.Id, run.Input = "", nil
	require.Equal(t, api.Run{
		Team: "default", Job: "orders", Version: 1, Status: api.RunQueued, Trigger: api.Trigger{Kind: api.TriggerAPI, By: "ana"},
		Labels: api.Labels{"reason": "test", "owner": "finance"}, Priority: 1, CreatedAt: someTime,
	}, run, "the job's labels are its runs' too")
}

func TestSubmitNeedsNoBody(t *testing.T) {
	t.Parallel()
	w := setup(t)
	bare := strings.Replace(definition[:strings.Index(definition, "input:")]+definition[strings.Index(definition, "steps:"):], "?day=${input.day}", "", 1)
	answer := w.do(request{
		method: http.MethodPut, path: "/v1/teams/default/jobs/orders", body: bare, header: map[string]string{"Content-Type": "application/yaml"},
	})
	require.Equal(t, http.StatusCreated, answer.Code, answer.Body.String())
	answer = w.do(request{method: http.MethodPost, path: "/v1/teams/default/jobs/orders/runs"})
	require.Equal(t, http.StatusAccepted, answer.Code, answer.Body.String())
	require.JSONEq(t, `{}`, string(decode[api.Run](t, answer.Body.Bytes()).Input))
}

func TestSubmitIsAcknowledgedWithoutTemporal(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.starter.err = errors.New("no connection")
	answer := w.submit(goodInput, nil)
	require.Equal(t, http.StatusAccepted, answer.Code, answer.Body.String())
	require.Equal(t, 3, w.memory.count())
}

func TestSubmitWithAKeyIsOneRun(t *testing.T) {
	t.Parallel()
	w := setup(t)
	const callers = 50
	ids := make([]string, callers)
	var wait sync.WaitGroup
	for i := range callers {
		wait.Go(func() {
			answer := w.submit(goodInput, map[string]string{"Idempotency-Key": "nightly"})
			ids[i] = answer.Header().Get("Location")
		})
	}
	wait.Wait()
	for _, id := range ids {
		require.NotEmpty(t, id)
		require.Equal(t, ids[0], id)
	}
	require.Equal(t, 3, w.memory.count())
	require.Len(t, w.starter.runs(), 1)
}

func TestSubmitTakesNoKeyOfChildren(t *testing.T) {
	t.Parallel()
	w := setup(t)
	problem := problemOf(t, w.submit(goodInput, map[string]string{"Idempotency-Key": "job.run/abc"}))
	require.Equal(t, api.CodeMalformed, problem.Code)
	require.Equal(t, "/header/Idempotency-Key", problem.Errors[0].Pointer)
	require.Equal(t, 2, w.memory.count(), "nothing was kept")
	require.Equal(t, http.StatusAccepted, w.submit(goodInput, map[string]string{"Idempotency-Key": "job.running"}).Code)
}

func TestSubmitWithAKeyComparesMeaning(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		body string
		want int
	}{
		"the same":            {goodInput, http.StatusAccepted},
		"in another order":    {`{"priority":1,"labels":{"reason":"test"},"input":{"day":"2026-11-19"}}`, http.StatusAccepted},
		"another input":       {strings.Replace(goodInput, "-19", "-20", 1), http.StatusUnprocessableEntity},
		"another label":       {strings.Replace(goodInput, "test", "rest", 1), http.StatusUnprocessableEntity},
		"another priority":    {strings.Replace(goodInput, `"priority": 1`, `"priority": 2`, 1), http.StatusUnprocessableEntity},
		"a version":           {strings.Replace(goodInput, `"priority"`, `"version": 1, "priority"`, 1), http.StatusUnprocessableEntity},
		"an input that fails": {`{}`, http.StatusUnprocessableEntity},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			key := map[string]string{"Idempotency-Key": "nightly"}
			first := w.submit(goodInput, key)
			require.Equal(t, http.StatusAccepted, first.Code)
			again := w.submit(tc.body, key)
			require.Equal(t, tc.want, again.Code, again.Body.String())
			if again.Code == http.StatusAccepted {
				require.Equal(t, first.Header().Get("Location"), again.Header().Get("Location"))
			} else {
				require.Equal(t, api.CodeIdempotencyMismatch, problemOf(t, again).Code)
			}
		})
	}
}

func TestSubmitWithAKeyOutlivesItsVersion(t *testing.T) {
	t.Parallel()
	w := setup(t)
	key := map[string]string{"Idempotency-Key": "nightly"}
	first := w.submit(goodInput, key)
	require.Equal(t, http.StatusAccepted, first.Code)
	stricter := strings.Replace(definition, "required: [day]", "required: [day, dry]", 1)
	stricter = strings.Replace(stricter, ", default: false", "", 1)
	published := w.do(request{
		method: http.MethodPut, path: "/v1/teams/default/jobs/orders", body: stricter, header: map[string]string{"Content-Type": "application/yaml"},
	})
	require.Equal(t, http.StatusCreated, published.Code, published.Body.String())
	require.Equal(t, http.StatusUnprocessableEntity, w.submit(goodInput, nil).Code)
	again := w.submit(goodInput, key)
	require.Equal(t, http.StatusAccepted, again.Code, again.Body.String())
	require.Equal(t, first.Header().Get("Location"), again.Header().Get("Location"))
}

func TestSubmitWaits(t *testing.T) {
	t.Parallel()
	t.Run("for the end", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		w.starter.then = func() { go w.memory.end(job.StatusSucceeded, `{"rows": 12345678901234567890}`) }
		answer := w.submit(goodInput, map[string]string{"Prefer": "respond-async, wait=90"})
		require.Equal(t, http.StatusOK, answer.Code, answer.Body.String())
		require.Equal(t, "wait=60", answer.Header().Get("Preference-Applied"))
		run := decode[api.Run](t, answer.Body.Bytes())
		require.Equal(t, api.RunSucceeded, run.Status)
		require.JSONEq(t, `{"rows": 12345678901234567890}`, string(run.Output))
	})
	t.Run("not for longer than asked", func(t *testing.T) {
		t.Parallel()
		began := time.Now()
		answer := setup(t).submit(goodInput, map[string]string{"Prefer": `wait="1"`})
		require.Equal(t, http.StatusAccepted, answer.Code)
		require.Equal(t, "wait=1", answer.Header().Get("Preference-Applied"))
		require.WithinRange(t, time.Now(), began.Add(time.Second), began.Add(20*time.Second))
	})
	t.Run("not while the gateway drains", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		close(w.drain)
		began := time.Now()
		require.Equal(t, http.StatusAccepted, w.submit(goodInput, map[string]string{"Prefer": "wait=60"}).Code)
		require.Less(t, time.Since(began), 30*time.Second)
	})
	t.Run("not without being asked", func(t *testing.T) {
		t.Parallel()
		for _, prefer := range []string{"", "wait=0", "wait=-1", "wait=soon", "handling=lenient"} {
			answer := setup(t).submit(goodInput, map[string]string{"Prefer": prefer})
			require.Equal(t, http.StatusAccepted, answer.Code, prefer)
			require.Empty(t, answer.Header().Get("Preference-Applied"), prefer)
		}
	})
}
