// Package auth says who calls and what they may: tokens of an OpenID Connect
// issuer, the roles in them, and the role that each operation needs.
package auth

import (
	"context"
	"time"
)

// Caller is who a valid token says is calling.
type Caller struct {
	Subject string
	Email   string // "" where the token has none
	Groups  []string
	// Teams has the caller's role in each team; it has no None.
	Teams map[string]Role
	// Expires is when the token ends.
	Expires time.Time
}

type callerKey struct{}

// With returns a context that carries the caller.
func With(ctx context.Context, caller Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, caller)
}

// From returns the context's caller; the zero Caller, who may nothing, where there is none.
func From(ctx context.Context) Caller {
	caller, _ := ctx.Value(callerKey{}).(Caller)
	return caller
}
