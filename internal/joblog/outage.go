package joblog

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"time"
)

// outageHolds is how long S3 is left alone when it did not answer.
const outageHolds = 2 * time.Second

// errOutage is why S3 isn't asked.
var errOutage = errors.New("S3 did not answer just now")

// outage is what is known of S3's absence: while it lasts, one caller at a time
// finds out whether it goes on, and no other waits for that. The zero value is none.
//
//	           ask fails                    outageHolds
//	there ───────────────────▶ left alone ─────────────▶ one asks, as long as that takes
//	  ▲                             ▲                        │
//	  │                             └──────── it fails ──────┤
//	  └───────────────────────────────────── it succeeds ────┘
type outage struct {
	mu     sync.Mutex
	until  time.Time // when S3 may be asked again; zero while it answers
	asking bool      // somebody finds out, for all
}

// ask has do ask S3, unless it is away (errOutage), and takes note of how that went: an
// object that isn't there is an answer, and a caller who has gone proves nothing.
func (o *outage) ask(ctx context.Context, do func() error) (err error) {
	alone, ok := o.enter()
	if !ok {
		return errOutage
	}
	defer func() { o.leave(ctx, alone, err) }()
	return do()
}

// enter reports whether the caller may ask S3, and whether nobody else may meanwhile.
func (o *outage) enter() (alone, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.until.IsZero():
		return false, true
	case o.asking || time.Now().Before(o.until):
		return false, false
	}
	o.asking = true
	return true, true
}

func (o *outage) leave(ctx context.Context, alone bool, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if alone {
		o.asking = false
	}
	switch {
	case err == nil, errors.Is(err, fs.ErrNotExist):
		o.until = time.Time{}
	case ctx.Err() == nil:
		o.until = time.Now().Add(outageHolds)
	}
}
