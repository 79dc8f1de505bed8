package devstack

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	// reviveTime is how long a server that ended by itself is started again and again: long
	// enough to free some space on a full disk.
	reviveTime = 2 * time.Minute
	// reviveDelay is the pause before the first attempt; it doubles up to reviveMaxDelay.
	reviveDelay    = time.Second
	reviveMaxDelay = 10 * time.Second
	// reviveCalm is how long a server has run that is in no trouble any more.
	reviveCalm = time.Minute
)

// watch starts the server again when it ended by itself: killed for want of memory, or for
// want of space on the disk. It gives up, and says so, after reviveTime of trouble.
func (p *Postgres) watch(server *postgresServer) {
	began := time.Now()
	<-server.done
	if server.asked.Load() {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	p.reviving.Store(&cancel)
	p.log.Warn("Postgres ended by itself; starting it again", "error", server.err, "log_file", server.logFile)
	p.say("ended by itself: starting it again")
	since := p.troubledSince(began)
	err := fmt.Errorf("Postgres ended by itself (%w)", server.err)
	for delay := reviveDelay; wait(ctx, delay); delay = min(2*delay, reviveMaxDelay) {
		if time.Since(since) > reviveTime {
			p.failed(p.damaged(fmt.Errorf("%w, and starting it again did not help; the next start recovers what was committed", err)))
			return
		}
		problem := p.revive(ctx, server)
		if problem == nil {
			return
		}
		err = fmt.Errorf("Postgres ended by itself (%w)", errors.Join(server.err, problem))
	}
}

// troubledSince is when the trouble began that a server is in which ended by itself.
func (p *Postgres) troubledSince(began time.Time) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.trouble.IsZero() || time.Since(began) > reviveCalm {
		p.trouble = time.Now()
	}
	return p.trouble
}

// revive starts the cluster again, unless it was stopped or started anew meanwhile.
func (p *Postgres) revive(ctx context.Context, dead *postgresServer) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.server != dead || ctx.Err() != nil {
		return nil
	}
	if err := p.start(ctx); err != nil {
		return err
	}
	p.log.Warn("Postgres is up again")
	p.say("is up again")
	return nil
}
