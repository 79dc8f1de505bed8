package job

import "slices"

// The keys of the job language that this build doesn't have yet. They are
// refused by name: an accepted key is never without effect.
var (
	laterJobKeys   = []string{"concurrency", "priority", "schedules", "triggers", "finally", "tests", "cleanupTimeout", "after"}
	laterStepKeys  = []string{"foreach", "wait", "approval", "steps", "poll", "fast", "effect", "compensate", "continueOnError", "output", "token"}
	laterRetryKeys = []string{"maxElapsed", "if"}
)

// Whom and of what the language can tell people, but not this build.
var (
	laterTargets = []string{"group", "user", "slack", "teams", "webhook"}
	laterEvents  = []string{"late", "approval"}
)

// unsupportedValue reports whether a value is the language's, at a place, but not this build's.
func unsupportedValue(path []string, value string) bool {
	return len(path) == 4 && path[0] == "notify" && path[2] == "events" && slices.Contains(laterEvents, value)
}

// unsupported reports whether a key is the language's, at a place, but not this build's.
func unsupported(path []string, key string) bool {
	switch {
	case len(path) == 0:
		return slices.Contains(laterJobKeys, key)
	case len(path) == 2 && path[0] == "steps":
		return slices.Contains(laterStepKeys, key)
	case path[len(path)-1] == "retry":
		return slices.Contains(laterRetryKeys, key)
	}
	return false
}
