package devstack

import (
	"context"
	"path/filepath"
	"time"
)

// renewalCheck is how often the clock is looked at: a machine that slept has missed its timers.
const renewalCheck = 30 * time.Second

// writeToken makes the admin's token anew.
func (s *Stack) writeToken() error {
	token, err := s.Token(Claims{Subject: adminUser, Role: "admin", TTL: s.options.TokenTTL})
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(s.options.Dir, tokenFile), []byte(token+"\n"))
}

// renewToken keeps the file's token good until ctx ends. One that cannot be written, as on a
// full disk, is tried again.
func (s *Stack) renewToken(ctx context.Context) {
	every := s.options.TokenTTL / 3
	written := time.Now()
	for wait(ctx, min(every, renewalCheck)) {
		now := time.Now()
		if now.Round(0).Sub(written.Round(0)) < every { // without the monotonic clock, which sleeps with the machine
			continue
		}
		if err := s.writeToken(); err != nil {
			s.options.Log.Warn("the admin's token could not be renewed", "error", err)
			continue
		}
		written = now
	}
}
