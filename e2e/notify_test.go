package e2e_test

import (
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEachEventIsMailedOnceToEach(t *testing.T) {
	t.Parallel()
	var broken atomic.Bool
	target := newTarget(t, func(_ int, w http.ResponseWriter, _ *http.Request) {
		if broken.Load() {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		sendJSON(w, `{}`)
	})
	admin := asAdmin(t)
	admin.publish("told")

	broken.Store(true)
	failed := admin.finish("told", object{"target": target.URL})
	require.Equal(t, "failed", failed.Status)
	require.ElementsMatch(t, []string{"ana@example.com", "ben@example.com"}, recipients(admin.mailed(failed.ID, 2)), "two rules, one mail each")

	broken.Store(false)
	recovered := admin.finish("told", object{"target": target.URL})
	require.Equal(t, "succeeded", recovered.Status)
	require.ElementsMatch(t, []string{"ana@example.com", "ana@example.com", "ben@example.com"}, recipients(admin.mailed(recovered.ID, 3)),
		"recovered to both, succeeded to one")

	again := admin.finish("told", object{"target": target.URL})
	require.Equal(t, []string{"ana@example.com"}, recipients(admin.mailed(again.ID, 1)), "nothing to recover from")

	// By now the mails of the first runs have had time to be doubled, if they were.
	require.Len(t, admin.mails(failed.ID), 2)
	require.Len(t, admin.mails(recovered.ID), 3)
	for _, mail := range admin.mails(failed.ID) {
		require.Contains(t, mail.Text, failed.Error.Message)
		require.Contains(t, mail.Subject, "told")
	}
}

func recipients(mails []mail) []string {
	var to []string
	for _, one := range mails {
		to = append(to, one.To)
	}
	return to
}
