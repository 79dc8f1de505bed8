package devstack

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
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

// hopelessError is one that no further attempt to start the server mends.
type hopelessError struct{ error }

func (e hopelessError) Unwrap() error { return e.error }

// watch starts the server again when it ended by itself: killed for want of memory, or for
// want of space on the disk. It gives up, and says so, after reviveTime of trouble, or at
// once when time can't help.
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
	problem := p.reviveInTime(ctx, server, began)
	if problem == nil || ctx.Err() != nil {
		return
	}
	err := fmt.Errorf("Postgres ended by itself (%w) and does not start again: %w", server.err, problem)
	if _, hopeless := errors.AsType[hopelessError](problem); !hopeless {
		err = p.damaged(err)
	}
	p.failed(err)
}

// reviveInTime tries until the server is up or its trouble has lasted for reviveTime. A trouble's first
// attempt has the time that any start has: while it waits, the whole process may be frozen.
func (p *Postgres) reviveInTime(ctx context.Context, dead *postgresServer, began time.Time) error {
	since, first := p.troubledSince(began)
	limited, cancel := context.WithDeadline(ctx, since.Add(reviveTime))
	defer cancel()
	attempt := limited
	if first {
		attempt = ctx
	}
	problem := fmt.Errorf("it has ended again and again for %s", reviveTime)
	for delay := reviveDelay; wait(attempt, delay); delay = min(2*delay, reviveMaxDelay) {
		err := p.revive(attempt, dead)
		if _, hopeless := errors.AsType[hopelessError](err); err == nil || hopeless {
			return err
		}
		if err.Error() != problem.Error() {
			p.log.Warn("Postgres does not start again yet", "error", err, "log_file", dead.logFile)
		}
		problem, attempt = err, limited
	}
	return problem
}

// troubledSince is when the trouble began that a server is in which ended by itself, and
// whether that is news.
func (p *Postgres) troubledSince(began time.Time) (since time.Time, first bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	first = p.trouble.IsZero() || time.Since(began) > reviveCalm
	if first {
		p.trouble = time.Now()
	}
	return p.trouble, first
}

// revive starts the cluster again, unless it was stopped or started anew meanwhile.
func (p *Postgres) revive(ctx context.Context, dead *postgresServer) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.server != dead {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := p.restart(ctx); err != nil {
		return err
	}
	p.log.Warn("Postgres is up again")
	p.say("is up again")
	return nil
}

// restart starts what Start has started: it makes no cluster, and looks for no other binaries.
func (p *Postgres) restart(ctx context.Context) error {
	err := p.sameCluster()
	if err == nil {
		err = p.vacate(ctx)
	}
	if err == nil {
		err = p.start(ctx)
	}
	_, taken := errors.AsType[*PortTakenError](err)
	if taken || errors.Is(err, errPassword) || errors.Is(err, fs.ErrNotExist) {
		return hopelessError{err}
	}
	return err
}

// sameCluster tells whether the folder still holds the cluster that was started.
func (p *Postgres) sameCluster() error {
	made, err := clusterVersion(p.data())
	switch {
	case err != nil:
		return hopelessError{err}
	case made == 0:
		return hopelessError{fmt.Errorf("the cluster in %s is gone: put the folder back, then start again. A start without it begins an empty one", p.data())}
	case made != p.cluster.binaries.major:
		return hopelessError{fmt.Errorf("the cluster in %s was made by Postgres %d, and it was one of %d that ran: put the folder back, then start again", p.data(), made, p.cluster.binaries.major)}
	}
	return nil
}
