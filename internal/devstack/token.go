package devstack

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

const (
	// tokenAudience is who the tokens are for: the gateway.
	tokenAudience = "fairlead"
	// tokenTTL is how long a token is good for that says nothing else.
	tokenTTL   = 24 * time.Hour
	adminUser  = "admin"
	issuerFile = "issuer-url"
	tokenFile  = "token"
)

// Claims are what a token says about its bearer.
type Claims struct {
	// Subject is the user's name; required.
	Subject string
	// Email is the user's address; empty leaves the claim out.
	Email string
	// Groups are the user's groups.
	Groups []string
	// Team and Role are one membership. Team is "default" when empty; an empty Role gives none.
	Team, Role string
	// TTL is how long the token is good for; 0 means 24 hours, less than 0 makes one that has expired.
	TTL time.Duration
}

func roles() []string { return []string{"viewer", "approver", "operator", "editor", "admin"} }

// SignToken signs a token with the key kept in dir, as the stack's issuer. An empty issuerURL
// means that of the stack that last started on dir. The stack need not be running.
func SignToken(dir, issuerURL string, claims Claims) (string, error) {
	if err := claims.check(); err != nil {
		return "", err
	}
	if issuerURL == "" {
		raw, err := os.ReadFile(filepath.Join(dir, issuerFile)) //nolint:gosec // in the stack's folder
		if err != nil {
			return "", fmt.Errorf("no stack has started on %s yet: %w", dir, err)
		}
		issuerURL = strings.TrimSpace(string(raw))
	}
	key, err := issuerKey(dir)
	if err != nil {
		return "", err
	}
	options := (&jose.SignerOptions{}).WithType("JWT")
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, options)
	if err != nil {
		return "", fmt.Errorf("sign a token: %w", err)
	}
	token, err := jwt.Signed(signer).Claims(claims.registered(issuerURL)).Claims(claims.private()).Serialize()
	if err != nil {
		return "", fmt.Errorf("sign a token: %w", err)
	}
	return token, nil
}

func (c Claims) check() error {
	if c.Subject == "" {
		return errors.New("a token needs a subject: the user's name")
	}
	if c.Role != "" && !slices.Contains(roles(), c.Role) {
		return fmt.Errorf("role %q is none of %s", c.Role, strings.Join(roles(), ", "))
	}
	return nil
}

func (c Claims) registered(issuer string) jwt.Claims {
	ttl := c.TTL
	if ttl == 0 {
		ttl = tokenTTL
	}
	now := time.Now()
	return jwt.Claims{
		Issuer: issuer, Subject: c.Subject, Audience: jwt.Audience{tokenAudience}, ID: rand.Text(),
		IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(ttl)),
	}
}

func (c Claims) private() map[string]any {
	private := map[string]any{}
	if c.Email != "" {
		private["email"] = c.Email
	}
	if len(c.Groups) > 0 {
		private["groups"] = c.Groups
	}
	if c.Role != "" {
		team := c.Team
		if team == "" {
			team = "default"
		}
		private["fairlead"] = map[string]any{"teams": map[string]string{team: c.Role}}
	}
	return private
}
