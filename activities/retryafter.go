package activities

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// MaxRetryAfter is the longest wait that a provider may ask for.
const MaxRetryAfter = time.Hour

// RetryAfter reads the Retry-After of an answer that came at now: seconds or a
// date (RFC 9110, section 10.2.3), up to [MaxRetryAfter]; 0 if there is none to keep to.
func RetryAfter(header http.Header, now time.Time) time.Duration {
	value := strings.TrimSpace(header.Get("Retry-After"))
	if seconds, err := strconv.ParseUint(value, 10, 63); err == nil {
		return time.Duration(min(seconds, uint64(MaxRetryAfter/time.Second))) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, min(at.Sub(now), MaxRetryAfter))
	}
	return 0
}
