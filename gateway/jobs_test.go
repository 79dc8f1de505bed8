package gateway_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/gateway/api"
)

func TestPublish(t *testing.T) {
	t.Parallel()
	w := setup(t)
	put := func(body, kind string) (int, api.Published) {
		answer := w.do(request{
			method: http.MethodPut, path: "/v1/teams/default/jobs/sales", role: "editor", body: body, header: map[string]string{"Content-Type": kind},
		})
		require.Less(t, answer.Code, 300, answer.Body.String())
		return answer.Code, decode[api.Published](t, answer.Body.Bytes())
	}
	source := strings.Replace(definition, "name: orders", "name: sales", 1)
	status, first := put(source, "application/yaml")
	require.Equal(t, http.StatusCreated, status)
	require.Equal(t, api.Published{
		Team: "default", Job: "sales", Version: 1, Current: 1, Digest: first.Digest, Warnings: []api.Place{},
	}, first)
	status, same := put("# the same\n"+source, "application/yaml; charset=utf-8")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, first, same)
	asJSON := `{"apiVersion": "fairlead/v1", "name": "sales", "steps": [{"id": "a", "uses": "http", "with": {"url": "https://shop.example"}}]}`
	status, second := put(asJSON, "application/json")
	require.Equal(t, http.StatusCreated, status)
	require.Equal(t, 2, second.Current)
}

func TestGetJob(t *testing.T) {
	t.Parallel()
	w := setup(t)
	const path = "/v1/teams/default/jobs/orders"
	answer := w.do(request{path: path + "?version=1"})
	require.Equal(t, http.StatusOK, answer.Code, answer.Body.String())
	got := decode[api.Job](t, answer.Body.Bytes())
	require.Contains(t, string(got.Definition), `"name":"orders"`)
	got.Definition, got.Digest = nil, ""
	require.Equal(t, api.Job{
		Team: "default", Name: "orders", Version: 1, Current: 1, Description: "Loads orders.",
		Labels: api.Labels{"owner": "finance"}, PublishedAt: someTime, PublishedBy: "ana",
	}, got)

	for accept, kind := range map[string]string{
		"application/yaml":                         "application/yaml",
		"text/html, application/yaml;q=0.5":        "application/yaml",
		"application/json, application/yaml;q=0.5": "application/json",
		"application/yaml;q=0, */*":                "application/json",
		"*/*":                                      "application/json",
	} {
		answer := w.do(request{path: path, header: map[string]string{"Accept": accept}})
		require.Equal(t, kind, answer.Header().Get("Content-Type"), accept)
		if kind == "application/yaml" {
			require.Equal(t, definition, answer.Body.String(), "the bytes as they were published")
		}
	}
}

func TestListJobs(t *testing.T) {
	t.Parallel()
	w := setup(t)
	answer := w.do(request{path: "/v1/teams/default/jobs?limit=7&cursor=abc"})
	require.Equal(t, http.StatusOK, answer.Code, answer.Body.String())
	list := decode[api.JobList](t, answer.Body.Bytes())
	require.Equal(t, "more", list.Next)
	require.Len(t, list.Items, 1)
	require.Equal(t, "orders", list.Items[0].Name)
	require.Equal(t, 7, w.memory.limit)
	require.Equal(t, "abc", w.memory.cursor)

	answer = w.do(request{path: "/v1/teams/default/jobs/orders/versions"})
	require.Equal(t, http.StatusOK, answer.Code, answer.Body.String())
	versions := decode[api.VersionList](t, answer.Body.Bytes())
	require.Len(t, versions.Items, 1)
	require.Equal(t, "ana", versions.Items[0].PublishedBy)
	require.Equal(t, 50, w.memory.limit)
}

func TestValidate(t *testing.T) {
	t.Parallel()
	w := setup(t)
	check := func(body string) (int, []byte) {
		answer := w.do(request{
			method: http.MethodPost, path: "/v1/teams/default/validate", role: "viewer", body: body, header: map[string]string{"Content-Type": "application/yaml"},
		})
		return answer.Code, answer.Body.Bytes()
	}
	sales := strings.Replace(definition, "name: orders", "name: sales", 1)
	status, body := check(definition + "---\n" + sales)
	require.Equal(t, http.StatusOK, status, string(body))
	valid := decode[api.Validation](t, body)
	require.True(t, valid.Valid)
	require.Len(t, valid.Jobs, 2)
	require.Equal(t, "sales", valid.Jobs[1].Name)

	status, body = check(strings.Replace(definition, "id: tell", "id: fetch", 1) + "---\n" + strings.Replace(sales, "uses: http", "uses: htpp", 1))
	require.Equal(t, http.StatusUnprocessableEntity, status)
	require.GreaterOrEqual(t, len(decode[api.Problem](t, body).Errors), 2, "the problems of both: %s", body)
}
