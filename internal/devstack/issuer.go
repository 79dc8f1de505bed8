package devstack

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"

	"github.com/go-jose/go-jose/v4"
)

const issuerKeyFile = "issuer-key.pem"

// issuerKey reads the signing key in dir, and makes it (mode 0600) when there is none.
func issuerKey(dir string) (jose.JSONWebKey, error) {
	path := filepath.Join(dir, issuerKeyFile)
	raw, err := os.ReadFile(path) //nolint:gosec // in the stack's folder
	if errors.Is(err, fs.ErrNotExist) {
		return newIssuerKey(path)
	}
	if err != nil {
		return jose.JSONWebKey{}, fmt.Errorf("issuer key: %w", err)
	}
	block, _ := pem.Decode(raw)
	if block == nil {
		return jose.JSONWebKey{}, fmt.Errorf("issuer key: %s is not PEM: put it right, or remove it to have a new key (tokens signed by the old one end)", path)
	}
	key, err := x509.ParseECPrivateKey(block.Bytes)
	if err != nil {
		return jose.JSONWebKey{}, fmt.Errorf("issuer key: %s holds no key: put it right, or remove it to have a new key (tokens signed by the old one end): %w", path, err)
	}
	return webKey(key)
}

func newIssuerKey(path string) (jose.JSONWebKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return jose.JSONWebKey{}, fmt.Errorf("issuer key: %w", err)
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return jose.JSONWebKey{}, fmt.Errorf("issuer key: %w", err)
	}
	if err := writeFile(path, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})); err != nil {
		return jose.JSONWebKey{}, err
	}
	return webKey(key)
}

// webKey names the key by its thumbprint (RFC 7638).
func webKey(key *ecdsa.PrivateKey) (jose.JSONWebKey, error) {
	jwk := jose.JSONWebKey{Key: key, Algorithm: string(jose.ES256), Use: "sig"}
	thumbprint, err := jwk.Thumbprint(crypto.SHA256)
	if err != nil {
		return jose.JSONWebKey{}, fmt.Errorf("issuer key: %w", err)
	}
	jwk.KeyID = fmt.Sprintf("%x", thumbprint[:8])
	return jwk, nil
}

// issuerHandler serves OpenID Connect discovery and the public key. There is no sign-in and
// no token endpoint: tokens are signed by whoever can read the key in the stack's folder.
func issuerHandler(issuer string, key jose.JSONWebKey) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /.well-known/openid-configuration", answer(map[string]any{
		"issuer":                                issuer,
		"jwks_uri":                              issuer + "/jwks.json",
		"response_types_supported":              []string{"id_token"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{string(jose.ES256)},
		"claims_supported":                      []string{"iss", "aud", "sub", "exp", "iat", "email", "groups", "fairlead"},
	}))
	mux.Handle("GET /jwks.json", answer(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{key.Public()}}))
	return mux
}

func answer(document any) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(document)
	})
}
