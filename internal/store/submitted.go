package store

import "context"

// Submitted returns the run that the team's idempotency key made before.
// CodeNotFound: none. CodeIdempotencyMismatch: the key was used with another request.
func (s *Store) Submitted(ctx context.Context, team, key, requestHash string) (Run, error) {
	return s.submitted(ctx, NewRun{Team: team, IdempotencyKey: key, RequestHash: requestHash})
}
