package gateway_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/coreos/go-oidc/v3/oidc/oidctest"
	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/gateway"
	"github.com/fairlead/fairlead/gateway/api"
	"github.com/fairlead/fairlead/internal/config"
)

// freeAddress is an address at which nothing listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, listener.Close()) }()
	return listener.Addr().String()
}

// issuer starts an issuer, and returns its URL and a viewer's token.
func issuer(t *testing.T) (url, token string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	server := &oidctest.Server{PublicKeys: []oidctest.PublicKey{{PublicKey: key.Public(), KeyID: "one", Algorithm: oidc.ES256}}}
	listening := httptest.NewServer(server)
	t.Cleanup(listening.Close)
	server.SetIssuer(listening.URL)
	claims := fmt.Sprintf(`{"iss": %q, "aud": "fairlead", "sub": "ana", "exp": %d, "fairlead": {"teams": {"default": "viewer"}}}`,
		listening.URL, time.Now().Add(time.Hour).Unix())
	return listening.URL, oidctest.SignIDToken(key, "one", oidc.ES256, claims)
}

func TestRunServesBeforeItsPartsAreThere(t *testing.T) {
	t.Parallel()
	nothing := freeAddress(t)
	url, token := issuer(t)
	cfg, err := config.Load([]string{
		"FAIRLEAD_DATABASE_URL=postgres://nobody@" + nothing + "/fairlead", "FAIRLEAD_S3_ENDPOINT=http://" + nothing,
		"FAIRLEAD_S3_ACCESS_KEY=key", "FAIRLEAD_S3_SECRET_KEY=secret", "FAIRLEAD_REDIS_ADDRESS=" + nothing,
		"FAIRLEAD_OIDC_ISSUER=" + url, "FAIRLEAD_CALLBACK_KEY=" + strings.Repeat("k", config.MinCallbackKey), "FAIRLEAD_GATEWAY_LISTEN=" + freeAddress(t), "TEMPORAL_ADDRESS=" + nothing,
	})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	hello := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	go func() { ended <- gateway.Run(ctx, cfg, discard(), gateway.WithHandler("/dev/hello", hello)) }()

	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	get := func(path string) int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+cfg.GatewayListen+path, http.NoBody)
		require.NoError(t, err)
		req.Header.Set("Authorization", "Bearer "+token)
		answer, err := client.Do(req)
		if err != nil {
			return 0
		}
		require.NoError(t, answer.Body.Close())
		return answer.StatusCode
	}
	require.Eventually(t, func() bool { return get("/health") == http.StatusOK }, 10*time.Second, 10*time.Millisecond)
	require.Equal(t, http.StatusServiceUnavailable, get("/ready"))
	require.Equal(t, http.StatusOK, get("/v1/me"))
	require.Equal(t, http.StatusTeapot, get("/dev/hello"))
	require.Equal(t, http.StatusServiceUnavailable, get("/v1/teams/default/jobs"))
	require.Equal(t, http.StatusServiceUnavailable, get("/v1/runs/"+runID+"/logs"))
	stop()
	require.NoError(t, <-ended)
	require.Zero(t, get("/health"))
}

func TestRunNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	err := gateway.Run(t.Context(), config.Config{}, discard())
	require.ErrorContains(t, err, "FAIRLEAD_DATABASE_URL")
	require.ErrorContains(t, err, "FAIRLEAD_OIDC_ISSUER")
	require.ErrorContains(t, err, "FAIRLEAD_CALLBACK_KEY")
}

func TestTheGeneratedClientReadsProblems(t *testing.T) {
	t.Parallel()
	w := setup(t)
	server := httptest.NewServer(w.handler)
	defer server.Close()
	client, err := api.NewClientWithResponses(server.URL, api.WithRequestEditorFn(func(_ context.Context, r *http.Request) error {
		r.Header.Set("Authorization", "Bearer operator")
		return nil
	}))
	require.NoError(t, err)
	submitted, err := client.SubmitRunWithResponse(t.Context(), "default", "orders", nil, api.Submit{Input: []byte(`{"day":"2026-11-19"}`)})
	require.NoError(t, err)
	require.NotNil(t, submitted.JSON202, submitted.Status())
	published, err := client.PublishJobWithBodyWithResponse(t.Context(), "default", "orders", "application/yaml", strings.NewReader(definition))
	require.NoError(t, err)
	require.NotNil(t, published.ApplicationproblemJSON403, published.Status())
	require.Equal(t, api.CodeForbidden, published.ApplicationproblemJSON403.Code)
}
