package e2e_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/store"
	"github.com/fairlead/fairlead/workflows"
)

// operator is a connection to Temporal such as the Web UI has.
func operator(t *testing.T) client.Client {
	t.Helper()
	temporal, err := client.Dial(client.Options{
		HostPort: world.Config().Temporal["TEMPORAL_ADDRESS"], Namespace: world.Config().Temporal["TEMPORAL_NAMESPACE"],
	})
	require.NoError(t, err)
	t.Cleanup(temporal.Close)
	return temporal
}

// hanging submits a run whose first step is being called, and returns its ID.
func hanging(t *testing.T, admin *caller) (string, *target) {
	t.Helper()
	target := newTarget(t, hang)
	admin.publish("interrupted")
	submitted := admin.submit("interrupted", object{"target": target.URL})
	require.Eventually(t, func() bool { return len(target.seen()) == 1 }, time.Minute, 20*time.Millisecond)
	return submitted.ID, target
}

func TestCanceledByAnOperator(t *testing.T) {
	t.Parallel()
	admin := asAdmin(t)
	id, target := hanging(t, admin)
	require.NoError(t, operator(t).CancelWorkflow(t.Context(), workflows.RunID("default", id), ""))
	ended := admin.ended(id)
	require.Equal(t, "canceled", ended.Status)
	steps := admin.steps(id)
	require.Equal(t, "canceled", steps["slow"].Status)
	require.Equal(t, "canceled", steps["after"].Status)
	require.Contains(t, messages(admin.log(id), "slow"), "canceled")
	require.Len(t, target.seen(), 1, "what follows is not called")
	require.Empty(t, admin.mails(id), "nobody asked to be told of a cancel")
}

func TestTerminatedByAnOperator(t *testing.T) {
	t.Parallel()
	admin := asAdmin(t)
	id, _ := hanging(t, admin)
	require.NoError(t, operator(t).TerminateWorkflow(t.Context(), workflows.RunID("default", id), "", "by hand"))
	require.Eventually(t, func() bool {
		var now run
		admin.get("/v1/runs/"+id, &now)
		return now.Status == "failed" && now.Error.Code == "terminated_outside"
	}, 4*time.Minute, time.Second, "no sweep ended the run")
	require.Equal(t, "canceled", admin.steps(id)["slow"].Status)
	require.Len(t, admin.mailed(id, 1), 1)
}

// A gateway that is killed between its answer and the start of the workflow leaves a row.
func TestAcknowledgedRunStartsLater(t *testing.T) {
	t.Parallel()
	admin := asAdmin(t)
	admin.publish("once")
	target := newTarget(t, func(_ int, w http.ResponseWriter, _ *http.Request) { sendJSON(w, `{}`) })
	rows, err := store.Open(t.Context(), world.Config().DatabaseURL)
	require.NoError(t, err)
	defer rows.Close()
	id, err := job.NewRunID()
	require.NoError(t, err)
	input, err := json.Marshal(object{"target": target.URL})
	require.NoError(t, err)
	_, created, err := rows.Submit(t.Context(), store.NewRun{
		ID: id, Team: "default", Job: "once", Version: 1, Input: input, Trigger: store.Trigger{Kind: "api", By: "ana"},
	})
	require.NoError(t, err)
	require.True(t, created)
	require.Equal(t, "succeeded", admin.ended(id).Status)
	require.Len(t, target.seen(), 1)
}
