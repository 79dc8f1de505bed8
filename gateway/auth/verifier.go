package auth

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/fairlead/fairlead/internal/job"
)

const (
	// issuerTimeout bounds one request to the issuer.
	issuerTimeout = 5 * time.Second
	// issuerPause is how long the issuer's last answer, or its absence, holds:
	// tokens of an unknown key can't make us ask it more often.
	issuerPause = time.Second
	// maxToken is the most bytes of a token.
	maxToken = 16 << 10
)

// Verifier checks tokens of one issuer for one audience. It asks the issuer for
// its keys when the first token comes, and again when a token names another key.
type Verifier struct {
	issuer, audience string
	client           *http.Client

	mu       sync.Mutex
	verifier *oidc.IDTokenVerifier
	failed   error
	retry    time.Time
}

// NewVerifier returns a verifier; it doesn't wait for the issuer.
func NewVerifier(issuer, audience string) *Verifier {
	return &Verifier{
		issuer: issuer, audience: audience,
		client: &http.Client{Timeout: issuerTimeout, Transport: newIssuerTransport(http.DefaultTransport)},
	}
}

// Caller returns who an Authorization header says is calling. An address that the
// issuer calls unverified is nobody's; one that it says nothing of is taken, since
// many issuers leave the claim email_verified out.
// CodeUnauthenticated: there is none, or its token isn't valid. CodeUnavailable: the issuer is away.
func (v *Verifier) Caller(ctx context.Context, authorization string) (Caller, error) {
	raw, err := bearer(authorization)
	if err != nil {
		return Caller{}, err
	}
	verifier, err := v.current(ctx)
	if err != nil {
		return Caller{}, err
	}
	away := new(error)
	token, err := verifier.Verify(context.WithValue(ctx, awayKey{}, away), raw)
	switch expired := new(oidc.TokenExpiredError); {
	case *away != nil:
		return Caller{}, unavailable(*away)
	case errors.As(err, &expired):
		return Caller{}, job.Errorf(job.CodeUnauthenticated, "the token has expired: get a new one")
	case err != nil:
		return Caller{}, job.Wrap(job.CodeUnauthenticated, err, "the token isn't valid: it must be a JWT that "+v.issuer+" signed for the audience "+v.audience)
	}
	return callerOf(token)
}

// bearer is the token in an Authorization header (RFC 6750).
func bearer(authorization string) (string, error) {
	if authorization == "" {
		return "", job.Errorf(job.CodeUnauthenticated, "there is no token: send `Authorization: Bearer TOKEN`")
	}
	scheme, token, found := strings.Cut(authorization, " ")
	token = strings.TrimSpace(token)
	if !found || !strings.EqualFold(scheme, "Bearer") || token == "" || len(token) > maxToken {
		return "", job.Errorf(job.CodeUnauthenticated, "the Authorization header holds no token: send `Authorization: Bearer TOKEN`")
	}
	return token, nil
}

// current returns the verifier, made once the issuer has told about itself.
func (v *Verifier) current(ctx context.Context) (*oidc.IDTokenVerifier, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.verifier != nil {
		return v.verifier, nil
	}
	if time.Now().Before(v.retry) {
		return nil, unavailable(v.failed)
	}
	// Everyone waits for this one answer: it doesn't end with the caller who was first.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), issuerTimeout)
	defer cancel()
	ctx = oidc.ClientContext(ctx, v.client)
	provider, err := oidc.NewProvider(ctx, v.issuer)
	if err != nil {
		v.failed, v.retry = err, time.Now().Add(issuerPause)
		return nil, unavailable(err)
	}
	var metadata struct {
		Keys string `json:"jwks_uri"`
	}
	if err := provider.Claims(&metadata); err != nil {
		return nil, unavailable(err)
	}
	keys := &keySet{remote: oidc.NewRemoteKeySet(ctx, metadata.Keys)}
	v.verifier = oidc.NewVerifier(v.issuer, keys, &oidc.Config{ClientID: v.audience, SupportedSigningAlgs: algorithms()})
	return v.verifier, nil
}

// algorithms are the signatures that are taken: those with a public key.
func algorithms() []string {
	return []string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.EdDSA}
}

func unavailable(cause error) error {
	return job.Wrap(job.CodeUnavailable, cause, "the token issuer is away: try again")
}

// claims are the claims of a token that mean something here.
type claims struct {
	Email string `json:"email"`
	// Verified is a boolean (OpenID Connect Core, section 5.1), of some issuers its text.
	Verified any      `json:"email_verified"`
	Groups   []string `json:"groups"`
	Fairlead struct {
		Teams map[string]string `json:"teams"`
	} `json:"fairlead"`
}

func callerOf(token *oidc.IDToken) (Caller, error) {
	var c claims
	if err := token.Claims(&c); err != nil {
		return Caller{}, job.Wrap(job.CodeUnauthenticated, err, "the token's claims can't be read: `groups` is a list, `fairlead.teams` maps teams to roles")
	}
	if token.Subject == "" || strings.ContainsRune(token.Subject, 0) {
		return Caller{}, job.Errorf(job.CodeUnauthenticated, "the token names no subject")
	}
	caller := Caller{Subject: token.Subject, Email: c.Email, Groups: c.Groups, Teams: map[string]Role{}, Expires: token.Expiry.UTC()}
	if c.Verified != nil && c.Verified != true && c.Verified != "true" {
		caller.Email = ""
	}
	for team, name := range c.Fairlead.Teams {
		if role := ParseRole(name); role != None && job.ValidTeam(team) {
			caller.Teams[team] = role
		}
	}
	return caller, nil
}
