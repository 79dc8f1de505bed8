package joblog

import (
	"errors"
	"sync"
	"time"
)

// outageHolds is how long S3 is left alone when it did not answer.
const outageHolds = 2 * time.Second

// errOutage is why S3 isn't asked.
var errOutage = errors.New("S3 did not answer just now")

// outage is what is known of S3's absence: while it lasts, one caller at a time
// finds out whether it goes on, and no other waits for that. The zero value is none.
type outage struct {
	mu    sync.Mutex
	until time.Time
}

// on reports whether S3 is left alone now.
func (o *outage) on() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return time.Now().Before(o.until)
}

// try reports whether the caller may ask S3, and must say how that went: with
// begin or end. Where S3 was away last, nobody else may for a while.
func (o *outage) try() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := time.Now()
	if now.Before(o.until) {
		return false
	}
	if !o.until.IsZero() {
		o.until = now.Add(outageHolds)
	}
	return true
}

// begin notes that S3 did not answer.
func (o *outage) begin() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.until = time.Now().Add(outageHolds)
}

// end notes that S3 answered.
func (o *outage) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.until = time.Time{}
}
