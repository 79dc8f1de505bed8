package activities_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/activities"
)

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, time.January, 5, 10, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"7":                             7 * time.Second,
		" 7 ":                           7 * time.Second,
		"86400":                         time.Hour,
		"9223372036854775807":           time.Hour,
		"99999999999999999999":          0,
		"-5":                            0,
		"1.5":                           0,
		"soon":                          0,
		"":                              0,
		"Mon, 05 Jan 2026 10:02:00 GMT": 2 * time.Minute,
		"Mon, 05 Jan 2026 09:00:00 GMT": 0,
		"Tue, 05 Jan 2027 10:00:00 GMT": time.Hour,
	} {
		require.Equal(t, want, activities.RetryAfter(http.Header{"Retry-After": {value}}, now), value)
	}
	require.Zero(t, activities.RetryAfter(nil, now))
}
