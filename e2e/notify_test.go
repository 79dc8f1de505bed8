package e2e_test

import (
	"net/http"
	"slices"
	"strings"
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
	require.ElementsMatch(t, []string{"ana@example.com", "ben@example.com"}, recipients(about(admin.mailed(failed.ID, 2), failed.ID)), "two rules, one mail each")

	broken.Store(false)
	recovered := admin.finish("told", object{"target": target.URL})
	require.Equal(t, "succeeded", recovered.Status)
	require.ElementsMatch(t, []string{"ana@example.com", "ben@example.com"}, recipients(about(admin.mailed(recovered.ID, 2), recovered.ID)),
		"whoever hears that it recovered needn't hear that it succeeded")

	again := admin.finish("told", object{"target": target.URL})
	require.Equal(t, []string{"ana@example.com"}, recipients(about(admin.mailed(again.ID, 1), again.ID)), "nothing to recover from")

	// By now the mails of the first runs have had time to be doubled, if they were.
	require.Len(t, about(admin.mails(recovered.ID), recovered.ID), 2)
	mails := about(admin.mails(failed.ID), failed.ID)
	require.Len(t, mails, 2)
	for _, mail := range mails {
		require.Contains(t, mail.Text, failed.Error.Message)
		require.Contains(t, mail.Subject, "told")
	}
}

// about are the mails whose own run it is: those that a job recovered name the run before too.
func about(mails []mail, run string) []mail {
	return slices.DeleteFunc(slices.Clone(mails), func(one mail) bool { return !strings.Contains(one.Text, "/v1/runs/"+run) })
}

func recipients(mails []mail) []string {
	var to []string
	for _, one := range mails {
		to = append(to, one.To)
	}
	return to
}
