package expr_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTimes(t *testing.T) {
	t.Parallel()
	// 2026-01-31 is a Saturday; Paris changes to summer time on 2026-03-29 at 01:00 UTC.
	cases := map[string]string{
		"date('2026-01-05')":                                                  "2026-01-05T00:00:00Z",
		"addDays(date('2026-02-28'), 1)":                                      "2026-03-01T00:00:00Z",
		"addDays(timestamp('2026-03-28T12:00:00Z'), 1)":                       "2026-03-29T12:00:00Z",
		"addDays(timestamp('2026-03-28T12:00:00Z'), 1, 'Europe/Paris')":       "2026-03-29T11:00:00Z",
		"addDays(date('2026-01-05'), -5)":                                     "2025-12-31T00:00:00Z",
		"addMonths(timestamp('2026-01-31T10:11:12.5Z'), 1)":                   "2026-02-28T10:11:12.5Z",
		"addMonths(date('2028-01-31'), 1)":                                    "2028-02-29T00:00:00Z",
		"addMonths(date('2026-03-31'), -13)":                                  "2025-02-28T00:00:00Z",
		"addMonths(date('2026-11-15'), 3)":                                    "2027-02-15T00:00:00Z",
		"startOf(timestamp(run.startedAt), 'second')":                         "2026-01-31T10:11:12Z",
		"startOf(timestamp(run.startedAt), 'minute')":                         "2026-01-31T10:11:00Z",
		"startOf(timestamp(run.startedAt), 'hour', 'Asia/Kolkata')":           "2026-01-31T09:30:00Z",
		"startOf(timestamp(run.startedAt), 'day')":                            "2026-01-31T00:00:00Z",
		"startOf(timestamp(run.startedAt), 'day', 'Europe/Paris')":            "2026-01-30T23:00:00Z",
		"startOf(timestamp(run.startedAt), 'week')":                           "2026-01-26T00:00:00Z",
		"startOf(date('2026-02-01'), 'week')":                                 "2026-01-26T00:00:00Z",
		"startOf(timestamp(run.startedAt), 'month', 'Europe/Paris')":          "2025-12-31T23:00:00Z",
		"startOf(date('2026-06-30'), 'quarter')":                              "2026-04-01T00:00:00Z",
		"startOf(date('2026-06-30'), 'year')":                                 "2026-01-01T00:00:00Z",
		"startOf(timestamp('2026-03-29T12:00:00Z'), 'day', 'Europe/Paris')":   "2026-03-28T23:00:00Z",
		"formatTime(timestamp(run.startedAt), 'yyyy-MM-dd', 'UTC')":           "2026-01-31",
		"formatTime(timestamp(run.startedAt), 'yy/M/d H:mm:ss.SSS')":          "26/1/31 10:11:12.500",
		"formatTime(timestamp(run.startedAt), 'EEE EEEE MMM MMMM D Q')":       "Sat Saturday Jan January 31 1",
		"formatTime(timestamp(run.startedAt), 'hh:mm a', 'America/New_York')": "05:11 AM",
		"formatTime(date('2026-01-05'), 'h a')":                               "12 AM",
		"formatTime(timestamp(run.startedAt), 'X XX XXX Z', 'Europe/Paris')":  "+01 +0100 +01:00 +0100",
		"formatTime(timestamp(run.startedAt), 'XXX')":                         "Z",
		"formatTime(timestamp(run.startedAt), \"'day' dd ''yy' o''clock'\")":  "day 31 '26 o'clock",
		"timestamp('2026-01-05T00:00:00Z') + duration('36h')":                 "2026-01-06T12:00:00Z",
		"timestamp('2026-01-05T00:00:00Z') - date('2026-01-04')":              "86400s",
	}
	scope := scopeOf(t)
	for source, want := range cases {
		t.Run(source, func(t *testing.T) {
			t.Parallel()
			got, err := late("${"+source+"}", scope)
			require.NoError(t, err)
			require.Equal(t, want, got)
		})
	}
}

// Zones are those of this build, whatever the machine has. Every function takes the same names.
func TestZones(t *testing.T) {
	t.Setenv("ZONEINFO", t.TempDir())
	scope := scopeOf(t)
	for zone, hour := range map[string]int64{
		"Europe/Paris": 11, "UTC": 10, "Etc/GMT-3": 13, "+02:00": 12, "-09:30": 0, "+00:00": 10, "Asia/Kolkata": 15,
	} {
		for _, source := range []string{"timestamp(run.startedAt).getHours('%s')", "int(formatTime(timestamp(run.startedAt), 'H', '%s'))"} {
			got, err := late("${"+strings.ReplaceAll(source, "%s", zone)+"}", scope)
			require.NoError(t, err)
			require.Equal(t, hour, got, zone)
		}
	}
	for _, zone := range []string{"", "Local", "localtime", "posixrules", "Mars", "europe/paris", "../UTC", "/etc/localtime", "Europe", "02:00", "+2:00", "+24:00", "+02:60", "+0200"} {
		for _, source := range []string{
			"timestamp(run.startedAt).getHours('%s')", "timestamp(run.startedAt).getDayOfYear('%s')", "formatTime(timestamp(run.startedAt), 'H', '%s')",
			"addDays(timestamp(run.startedAt), 1, '%s')", "addMonths(timestamp(run.startedAt), 1, '%s')", "startOf(timestamp(run.startedAt), 'day', '%s')",
		} {
			_, err := late("${"+strings.ReplaceAll(source, "%s", zone)+"}", scope)
			require.ErrorContains(t, err, "is no time zone", "%s of %q", source, zone)
		}
	}
	for name, want := range map[string]int64{
		"FullYear": 2026, "Month": 0, "Date": 31, "DayOfMonth": 30, "DayOfWeek": 6, "DayOfYear": 30, "Hours": 11, "Minutes": 11, "Seconds": 12, "Milliseconds": 500,
	} {
		got, err := late("${timestamp(run.startedAt).get"+name+"('Europe/Paris')}", scope)
		require.NoError(t, err)
		require.Equal(t, want, got, name)
	}
}
