package e2e_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/devstack"
)

func TestTokensThatAreNone(t *testing.T) {
	t.Parallel()
	good := asAdmin(t)
	head, tail, _ := strings.Cut(good.token, ".")
	payload, signature, _ := strings.Cut(tail, ".")
	stolen, err := devstack.SignToken(t.TempDir(), world.Config().OIDCIssuer, devstack.Claims{Subject: "eve", Role: "admin"})
	require.NoError(t, err)
	elsewhere, err := devstack.SignToken(world.Dir(), "https://issuer.example", devstack.Claims{Subject: "eve", Role: "admin"})
	require.NoError(t, err)
	tests := map[string]string{
		"none":            "",
		"no token at all": "hello",
		"expired":         as(t, devstack.Claims{Subject: "ana", Role: "admin", TTL: -time.Minute}).token,
		"another key":     stolen,
		"another issuer":  elsewhere,
		"no signature":    head + "." + payload + ".",
		"altered":         head + "." + payload[:len(payload)-4] + "AAAA." + signature,
		"algorithm none":  "eyJhbGciOiJub25lIn0." + payload + ".",
		"far too long":    strings.Repeat("x", 6000),
	}
	for name, token := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			caller := &caller{t: t, token: token, team: "default"}
			for _, path := range []string{"/v1/teams/default/jobs", "/v1/runs/run_00cj9f2wpnwnvwecdc6mfrxskr", "/v1/me", "/dev/outbox"} {
				answer := caller.send(http.MethodGet, path, nil)
				require.Equal(t, http.StatusUnauthorized, answer.status, path)
				require.Contains(t, answer.header.Get("WWW-Authenticate"), "Bearer")
				require.Equal(t, "unauthenticated", answer.problem().Code)
			}
			require.Equal(t, http.StatusUnauthorized, caller.put("never", source("never", 1)).status)
		})
	}
	require.Equal(t, http.StatusNotFound, good.send(http.MethodGet, good.jobPath("never"), nil).status)
}

func TestRolesAllowWhatTheySay(t *testing.T) {
	t.Parallel()
	const name = "guarded"
	require.Equal(t, http.StatusCreated, asAdmin(t).put(name, source(name, 1)).status)
	tests := map[string]struct{ read, submit, publish int }{
		"viewer":   {http.StatusOK, http.StatusForbidden, http.StatusForbidden},
		"approver": {http.StatusOK, http.StatusForbidden, http.StatusForbidden},
		"operator": {http.StatusOK, http.StatusAccepted, http.StatusForbidden},
		"editor":   {http.StatusOK, http.StatusAccepted, http.StatusOK},
		"admin":    {http.StatusOK, http.StatusAccepted, http.StatusOK},
	}
	for role, want := range tests {
		t.Run(role, func(t *testing.T) {
			t.Parallel()
			caller := as(t, devstack.Claims{Subject: role, Role: role})
			require.Equal(t, want.read, caller.send(http.MethodGet, caller.jobPath(name), nil).status)
			submitted := caller.send(http.MethodPost, caller.jobPath(name)+"/runs", []byte(`{}`), "Content-Type", "application/json")
			require.Equal(t, want.submit, submitted.status, "%s", submitted.body)
			published := caller.put(name, source(name, 1))
			require.Equal(t, want.publish, published.status, "%s", published.body)
			if want.publish == http.StatusForbidden {
				problem := published.problem()
				require.Equal(t, "forbidden", problem.Code)
				require.Contains(t, problem.Detail, "editor", "says which role it takes")
			}
		})
	}
}

func TestAnotherTeamsThingsAreNotThere(t *testing.T) {
	t.Parallel()
	admin := asAdmin(t)
	const name = "private"
	require.Equal(t, http.StatusCreated, admin.put(name, source(name, 1)).status)
	var submitted run
	admin.send(http.MethodPost, admin.jobPath(name)+"/runs", []byte(`{}`), "Content-Type", "application/json").into(http.StatusAccepted, &submitted)

	for who, claims := range map[string]devstack.Claims{
		"of another team": {Subject: "eve", Team: "other", Role: "admin"},
		"of no team":      {Subject: "eve"},
	} {
		t.Run(who, func(t *testing.T) {
			t.Parallel()
			eve := as(t, claims)
			for _, path := range []string{
				"/v1/teams/default/jobs", eve.jobPath(name), eve.jobPath(name) + "/versions", "/v1/teams/default/runs",
				"/v1/runs/" + submitted.ID, "/v1/runs/" + submitted.ID + "/steps", "/v1/runs/" + submitted.ID + "/steps/call",
				"/v1/runs/" + submitted.ID + "/logs", "/v1/runs/" + submitted.ID + "/input", "/v1/runs/" + submitted.ID + "/output",
			} {
				answer := eve.send(http.MethodGet, path, nil)
				require.Equal(t, http.StatusNotFound, answer.status, path)
				require.Equal(t, "not_found", answer.problem().Code)
			}
			require.Equal(t, http.StatusNotFound, eve.put(name, source(name, 2)).status)
			denied := eve.send(http.MethodPost, eve.jobPath(name)+"/runs", []byte(`{}`), "Content-Type", "application/json")
			require.Equal(t, http.StatusNotFound, denied.status)
		})
	}
}
