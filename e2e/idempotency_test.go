package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestThousandSubmitsWithOneKeyAreOneRun(t *testing.T) {
	t.Parallel()
	target := newTarget(t, func(_ int, w http.ResponseWriter, _ *http.Request) { sendJSON(w, `{}`) })
	admin := asAdmin(t)
	admin.publish("once")
	body, err := json.Marshal(object{"input": object{"target": target.URL}, "labels": object{"case": "one-key"}})
	require.NoError(t, err)

	ids := all(t, 1000, func(int) (string, error) {
		answer, err := admin.try(http.MethodPost, admin.jobPath("once")+"/runs", body, "Content-Type", "application/json", "Idempotency-Key", "the-one")
		if err != nil {
			return "", err
		}
		if answer.status != http.StatusAccepted && answer.status != http.StatusOK {
			return "", fmt.Errorf("%d: %s", answer.status, answer.body)
		}
		var submitted run
		err = json.Unmarshal(answer.body, &submitted)
		return submitted.ID, err
	})
	require.Len(t, slices.Compact(slices.Sorted(slices.Values(ids))), 1)
	ended := admin.ended(ids[0])
	require.Equal(t, "succeeded", ended.Status, "%+v", ended.Error)
	require.Len(t, target.seen(), 1, "called once")

	const sameCase = "/v1/teams/default/runs?job=once&label=case%3Done-key"
	var list struct{ Items []run }
	admin.get(sameCase, &list)
	require.Len(t, list.Items, 1)

	other := admin.send(http.MethodPost, admin.jobPath("once")+"/runs", []byte(`{"input": {"target": "http://127.0.0.1:9/"}, "labels": {"case": "one-key"}}`),
		"Content-Type", "application/json", "Idempotency-Key", "the-one")
	require.Equal(t, http.StatusUnprocessableEntity, other.status)
	require.Equal(t, "idempotency_mismatch", other.problem().Code)
	admin.get(sameCase, &list)
	require.Len(t, list.Items, 1)
}

// all calls do so many times at once.
func all(t *testing.T, count int, do func(i int) (string, error)) []string {
	t.Helper()
	results, problems := make([]string, count), make([]error, count)
	limit := make(chan struct{}, 100) // connections, not callers: the system's files are bounded
	var calls sync.WaitGroup
	for i := range count {
		calls.Go(func() {
			limit <- struct{}{}
			defer func() { <-limit }()
			results[i], problems[i] = do(i)
		})
	}
	calls.Wait()
	for _, problem := range problems {
		require.NoError(t, problem)
	}
	return results
}

func source(name string, variant int) []byte {
	return fmt.Appendf(nil, "apiVersion: fairlead/v1\nname: %s\ndescription: variant %d\nsteps:\n  - {id: call, uses: http, with: {url: \"http://127.0.0.1:1/\"}}\n", name, variant)
}

func TestConcurrentPublishesOfOneContentAreOneVersion(t *testing.T) {
	t.Parallel()
	admin := asAdmin(t)
	const name = "published_often"
	versions := all(t, 50, func(int) (string, error) {
		answer, err := admin.try(http.MethodPut, admin.jobPath(name), source(name, 1), "Content-Type", "application/yaml")
		if err != nil {
			return "", err
		}
		var published struct{ Version, Current int }
		err = json.Unmarshal(answer.body, &published)
		return fmt.Sprintf("%d of %d", published.Version, published.Current), err
	})
	require.Equal(t, []string{"1 of 1"}, slices.Compact(slices.Sorted(slices.Values(versions))))
}

func TestConcurrentPublishesOfDifferentContentsAreAllVersions(t *testing.T) {
	t.Parallel()
	admin := asAdmin(t)
	const name, count = "published_by_many", 20
	versions := all(t, count, func(i int) (string, error) {
		answer, err := admin.try(http.MethodPut, admin.jobPath(name), source(name, i), "Content-Type", "application/yaml")
		if err != nil {
			return "", err
		}
		if answer.status != http.StatusCreated {
			return "", fmt.Errorf("%d: %s", answer.status, answer.body)
		}
		var published struct{ Version int }
		err = json.Unmarshal(answer.body, &published)
		return fmt.Sprintf("%02d", published.Version), err
	})
	var want []string
	for version := range count {
		want = append(want, fmt.Sprintf("%02d", version+1))
	}
	require.Equal(t, want, slices.Sorted(slices.Values(versions)))

	again := admin.put(name, source(name, 0))
	require.Equal(t, http.StatusOK, again.status, "the same content is the same version")
}
