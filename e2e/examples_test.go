package e2e_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/examples"
)

// runExample publishes an example and runs it against this test's stack.
func runExample(t *testing.T, admin *caller, name string, input object) run {
	t.Helper()
	source, err := examples.File(name)
	require.NoError(t, err)
	answer := admin.put(name, source)
	require.Contains(t, []int{http.StatusOK, http.StatusCreated}, answer.status, "%s", answer.body)
	return admin.finish(name, input)
}

// servers are the stack's own, as the examples take them.
func servers() object { return object{"temporal": world.TemporalHTTP()} }

func TestExamplePlatformHealth(t *testing.T) {
	t.Parallel()
	admin := asAdmin(t)
	input := servers()
	input["gateway"], input["storage"] = world.Config().PublicURL, world.Config().S3Endpoint
	ended := runExample(t, admin, "platform_health", input)
	require.Equal(t, "succeeded", ended.Status, "%+v", ended.Error)
	var output struct {
		Verdict, Gateway string
		Namespaces       []string
		Schedules        int
	}
	require.NoError(t, json.Unmarshal(ended.Output, &output))
	require.Equal(t, "healthy", output.Verdict)
	require.Equal(t, "ready", output.Gateway)
	require.Contains(t, output.Namespaces, "default")
	mails := admin.mailed(ended.ID, 1)
	require.Equal(t, "platform@example.com", mails[0].To)

	input["namespace"] = "elsewhere"
	degraded := admin.finish("platform_health", input)
	require.Equal(t, "succeeded", degraded.Status, "%+v", degraded.Error)
	require.Contains(t, string(degraded.Output), `"degraded"`)
	require.Equal(t, "skipped", admin.steps(degraded.ID)["schedules"].Status)
}

func TestExampleFailsOnPurpose(t *testing.T) {
	t.Parallel()
	admin := asAdmin(t)
	ended := runExample(t, admin, "fails_on_purpose", servers())
	require.Equal(t, "failed", ended.Status)
	require.Equal(t, "second", ended.Error.Step)
	require.Equal(t, "http_status", ended.Error.Code)
	require.Equal(t, http.StatusNotFound, ended.Error.Status)

	steps := admin.steps(ended.ID)
	require.Equal(t, "succeeded", steps["first"].Status)
	require.Equal(t, "failed", steps["second"].Status)
	require.Equal(t, 1, steps["second"].Attempts, "a 404 is not tried again")
	require.Equal(t, "skipped", steps["third"].Status)
	require.Equal(t, "upstream", steps["third"].Reason)

	// What its owner sees: row, log and mail name the same cause.
	require.Equal(t, ended.Error.Message, steps["second"].Error.Message)
	require.Contains(t, messages(admin.log(ended.ID), "second"), ended.Error.Message)
	mails := admin.mailed(ended.ID, 1)
	require.Len(t, mails, 1)
	require.Equal(t, "owner@example.com", mails[0].To)
	require.Contains(t, mails[0].Text, ended.Error.Message)
	require.Contains(t, mails[0].Text, "second")
}

func TestExampleChain(t *testing.T) {
	t.Parallel()
	ended := runExample(t, asAdmin(t), "chain", servers())
	require.Equal(t, "succeeded", ended.Status, "%+v", ended.Error)
	require.Contains(t, string(ended.Output), `"default"`)
}

func TestExampleGraph(t *testing.T) {
	t.Parallel()
	admin := asAdmin(t)
	ended := runExample(t, admin, "graph", servers())
	require.Equal(t, "succeeded", ended.Status, "%+v", ended.Error)
	require.Contains(t, string(ended.Output), `"modern"`)
	require.Equal(t, "condition", admin.steps(ended.ID)["old"].Reason)
	require.Equal(t, "succeeded", admin.steps(ended.ID)["join"].Status)
}
