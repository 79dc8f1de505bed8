package devstack_test

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/devstack"
)

type fairleadClaims struct {
	Subject  string   `json:"sub"`
	Email    string   `json:"email"`
	Groups   []string `json:"groups"`
	Fairlead struct {
		Teams map[string]string `json:"teams"`
	} `json:"fairlead"`
}

//nolint:paralleltest // one S3 server in a process, and it moves the working directory
func TestTokensAreThoseOfARealIssuer(t *testing.T) {
	options := shared(t)
	stack := start(t, options)
	cfg := stack.Config()
	transport := http.DefaultTransport.(*http.Transport).Clone()
	t.Cleanup(transport.CloseIdleConnections)
	ctx := oidc.ClientContext(t.Context(), &http.Client{Transport: transport})
	provider, err := oidc.NewProvider(ctx, cfg.OIDCIssuer)
	require.NoError(t, err)
	verifier := provider.VerifierContext(ctx, &oidc.Config{ClientID: cfg.OIDCAudience})
	verify := func(token string) (claims fairleadClaims) {
		verified, err := verifier.Verify(ctx, token)
		require.NoError(t, err)
		require.NoError(t, verified.Claims(&claims))
		return claims
	}

	path := filepath.Join(options.Dir, "token")
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	admin, err := os.ReadFile(path)
	require.NoError(t, err)
	claims := verify(strings.TrimSpace(string(admin)))
	require.Equal(t, "admin", claims.Subject)
	require.Equal(t, map[string]string{"default": "admin"}, claims.Fairlead.Teams)

	token, err := devstack.SignToken(options.Dir, "", devstack.Claims{
		Subject: "ana", Email: "ana@example.com", Groups: []string{"finance_leads"}, Team: "finance", Role: "approver",
	})
	require.NoError(t, err)
	claims = verify(token)
	require.Equal(t, "ana@example.com", claims.Email)
	require.Equal(t, []string{"finance_leads"}, claims.Groups)
	require.Equal(t, map[string]string{"finance": "approver"}, claims.Fairlead.Teams)

	expired, err := stack.Token(devstack.Claims{Subject: "ana", TTL: -time.Minute})
	require.NoError(t, err)
	_, err = verifier.Verify(ctx, expired)
	require.ErrorContains(t, err, "expired")
	foreign, err := devstack.SignToken(t.TempDir(), cfg.OIDCIssuer, devstack.Claims{Subject: "ana"})
	require.NoError(t, err)
	_, err = verifier.Verify(ctx, foreign)
	require.Error(t, err, "another folder's key")

	require.NoError(t, stack.Stop(t.Context()))
	stack = start(t, options)
	require.Equal(t, "admin", verify(strings.TrimSpace(string(admin))).Subject, "tokens survive a restart")
	require.NoError(t, stack.Stop(t.Context()))
}

//nolint:paralleltest // one S3 server in a process, and it moves the working directory
func TestRunRenewsTheAdminsToken(t *testing.T) {
	options := shared(t)
	options.TokenTTL = 3 * time.Second
	path := filepath.Join(options.Dir, "token")
	var first, then []byte
	up := make(chan struct{})
	options.Ready = func(context.Context, *devstack.Stack) (err error) {
		defer close(up)
		first, err = os.ReadFile(path)
		return err
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- devstack.Run(ctx, options) }()
	<-up
	require.Eventually(t, func() bool {
		var err error
		then, err = os.ReadFile(path)
		return err == nil && !bytes.Equal(first, then)
	}, 10*time.Second, 50*time.Millisecond)
	require.Greater(t, expiry(t, then), expiry(t, first))
	cancel()
	require.NoError(t, <-ended)
}

// expiry is when a token ends, in seconds since 1970.
func expiry(t *testing.T, token []byte) int64 {
	t.Helper()
	parsed, err := jwt.ParseSigned(strings.TrimSpace(string(token)), []jose.SignatureAlgorithm{jose.ES256})
	require.NoError(t, err)
	var claims jwt.Claims
	require.NoError(t, parsed.UnsafeClaimsWithoutVerification(&claims))
	return int64(*claims.Expiry)
}

func TestSignTokenRefuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		claims devstack.Claims
		issuer string
		want   string
	}{
		"no subject":   {issuer: "http://127.0.0.1:1", want: "subject"},
		"unknown role": {claims: devstack.Claims{Subject: "ana", Role: "root"}, issuer: "http://127.0.0.1:1", want: "viewer, approver"},
		"no stack yet": {claims: devstack.Claims{Subject: "ana"}, want: "no stack has started"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := devstack.SignToken(t.TempDir(), test.issuer, test.claims)
			require.ErrorContains(t, err, test.want)
		})
	}
}
