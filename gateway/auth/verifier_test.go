package auth_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/coreos/go-oidc/v3/oidc/oidctest"
	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/gateway/auth"
	"github.com/fairlead/fairlead/internal/job"
)

const audience = "fairlead"

// issuer is an OpenID Connect issuer that counts what it is asked, and can be away.
type issuer struct {
	url   string
	key   crypto.PrivateKey
	asked atomic.Int64
	away  atomic.Bool
}

func setup(t *testing.T) *issuer {
	t.Helper()
	key := newKey(t)
	server := &oidctest.Server{PublicKeys: []oidctest.PublicKey{{PublicKey: key.Public(), KeyID: "one", Algorithm: oidc.ES256}}}
	i := &issuer{key: key}
	http := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.asked.Add(1)
		if i.away.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		server.ServeHTTP(w, r)
	}))
	t.Cleanup(http.Close)
	i.url = http.URL
	server.SetIssuer(http.URL)
	return i
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return key
}

// claims are those of a valid token, with changes; nil takes a claim away.
func (i *issuer) claims(t *testing.T, changes map[string]any) string {
	t.Helper()
	claims := map[string]any{
		"iss": i.url, "aud": audience, "sub": "ana", "email": "ana@example.com", "groups": []string{"finance"},
		"exp": time.Now().Add(time.Hour).Unix(), "fairlead": map[string]any{"teams": map[string]string{"default": "editor"}},
	}
	for name, value := range changes {
		if claims[name] = value; value == nil {
			delete(claims, name)
		}
	}
	raw, err := json.Marshal(claims)
	require.NoError(t, err)
	return string(raw)
}

func (i *issuer) token(t *testing.T, changes map[string]any) string {
	t.Helper()
	return oidctest.SignIDToken(i.key, "one", oidc.ES256, i.claims(t, changes))
}

func TestVerifierTakesAValidToken(t *testing.T) {
	t.Parallel()
	i := setup(t)
	caller, err := auth.NewVerifier(i.url, audience).Caller(t.Context(), "bearer "+i.token(t, map[string]any{
		"fairlead": map[string]any{"teams": map[string]string{"default": "editor", "other": "overlord", "../x": "admin"}},
	}))
	require.NoError(t, err)
	require.Equal(t, "ana", caller.Subject)
	require.Equal(t, "ana@example.com", caller.Email)
	require.Equal(t, []string{"finance"}, caller.Groups)
	require.Equal(t, map[string]auth.Role{"default": auth.Editor}, caller.Teams)
	require.WithinDuration(t, time.Now().Add(time.Hour), caller.Expires, time.Minute)
}

func TestVerifierTakesNoUnverifiedAddress(t *testing.T) {
	t.Parallel()
	i := setup(t)
	verifier := auth.NewVerifier(i.url, audience)
	for name, c := range map[string]struct {
		verified any
		want     string
	}{
		"nothing is said": {nil, "ana@example.com"},
		"verified":        {true, "ana@example.com"},
		"as text":         {"true", "ana@example.com"},
		"unverified":      {false, ""},
		"that as text":    {"false", ""},
		"something else":  {0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			caller, err := verifier.Caller(t.Context(), "Bearer "+i.token(t, map[string]any{"email_verified": c.verified}))
			require.NoError(t, err)
			require.Equal(t, c.want, caller.Email)
			require.Equal(t, "ana", caller.Subject)
		})
	}
}

// A machine's clock may be set back after a token was issued.
func TestVerifierTakesATokenOfALaterClock(t *testing.T) {
	t.Parallel()
	i := setup(t)
	issued := time.Now().Add(time.Hour)
	_, err := auth.NewVerifier(i.url, audience).Caller(t.Context(), "Bearer "+i.token(t, map[string]any{
		"iat": issued.Unix(), "exp": issued.Add(24 * time.Hour).Unix(),
	}))
	require.NoError(t, err)
}

func TestVerifierRefuses(t *testing.T) {
	t.Parallel()
	i := setup(t)
	stranger := newKey(t)
	verifier := auth.NewVerifier(i.url, audience)
	for name, header := range map[string]string{
		"no token":          "",
		"another scheme":    "Basic YTpi",
		"no token behind":   "Bearer ",
		"garbage":           "Bearer garbage",
		"three garbages":    "Bearer a.b.c",
		"expired":           "Bearer " + i.token(t, map[string]any{"exp": time.Now().Add(-time.Minute).Unix()}),
		"no expiry":         "Bearer " + i.token(t, map[string]any{"exp": nil}),
		"not yet valid":     "Bearer " + i.token(t, map[string]any{"nbf": time.Now().Add(time.Hour).Unix()}),
		"another audience":  "Bearer " + i.token(t, map[string]any{"aud": "other"}),
		"no audience":       "Bearer " + i.token(t, map[string]any{"aud": nil}),
		"another issuer":    "Bearer " + i.token(t, map[string]any{"iss": "https://issuer.example"}),
		"no subject":        "Bearer " + i.token(t, map[string]any{"sub": nil}),
		"teams is a list":   "Bearer " + i.token(t, map[string]any{"fairlead": map[string]any{"teams": []string{"default"}}}),
		"another key":       "Bearer " + oidctest.SignIDToken(stranger, "one", oidc.ES256, i.claims(t, nil)),
		"an unknown key":    "Bearer " + oidctest.SignIDToken(stranger, "two", oidc.ES256, i.claims(t, nil)),
		"no signature":      "Bearer " + unsigned(i.claims(t, nil)),
		"a shared secret":   "Bearer " + symmetric(t, i.claims(t, nil)),
		"a token and a bit": "Bearer " + i.token(t, nil) + "x",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := verifier.Caller(t.Context(), header)
			require.Equal(t, job.CodeUnauthenticated, job.CodeOf(err), "%v", err)
		})
	}
}

// unsigned is a token with the algorithm none (RFC 7519, section 6).
func unsigned(claims string) string {
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + encode([]byte(claims)) + "."
}

// symmetric is a token signed with something that everyone knows.
func symmetric(t *testing.T, claims string) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: []byte("the public key of the issuer, say")}, nil)
	require.NoError(t, err)
	signed, err := signer.Sign([]byte(claims))
	require.NoError(t, err)
	compact, err := signed.CompactSerialize()
	require.NoError(t, err)
	return compact
}

func TestVerifierWaitsForTheIssuer(t *testing.T) {
	t.Parallel()
	i := setup(t)
	i.away.Store(true)
	verifier := auth.NewVerifier(i.url, audience)
	header := "Bearer " + i.token(t, nil)
	_, err := verifier.Caller(t.Context(), header)
	require.Equal(t, job.CodeUnavailable, job.CodeOf(err), "%v", err)
	i.away.Store(false)
	require.Eventually(t, func() bool {
		_, err := verifier.Caller(context.Background(), header)
		return err == nil
	}, 10*time.Second, 20*time.Millisecond)
}

func TestVerifierTellsAnAbsentIssuerFromAWrongSignature(t *testing.T) {
	t.Parallel()
	i := setup(t)
	verifier := auth.NewVerifier(i.url, audience)
	_, err := verifier.Caller(t.Context(), "Bearer garbage") // discovery only: no key was asked for
	require.Equal(t, job.CodeUnauthenticated, job.CodeOf(err))
	i.away.Store(true)
	_, err = verifier.Caller(t.Context(), "Bearer "+i.token(t, nil))
	require.Equal(t, job.CodeUnavailable, job.CodeOf(err), "%v", err)
}

func TestVerifierAsksForKeysSparingly(t *testing.T) {
	t.Parallel()
	i := setup(t)
	verifier := auth.NewVerifier(i.url, audience)
	stranger := newKey(t)
	began := time.Now()
	const tokens = 200
	for range tokens {
		_, err := verifier.Caller(t.Context(), "Bearer "+oidctest.SignIDToken(stranger, "unknown", oidc.ES256, i.claims(t, nil)))
		require.Equal(t, job.CodeUnauthenticated, job.CodeOf(err))
	}
	seconds := int64(time.Since(began)/time.Second) + 1
	require.LessOrEqual(t, i.asked.Load(), 1+seconds, "discovery once, keys at most once a second")
}
