package job

import "slices"

// The keys of the job language that this build doesn't have yet. They are
// refused by name: an accepted key is never without effect.
var (
	laterJobKeys  = []string{"concurrency", "schedules", "triggers", "tests", "after"}
	laterStepKeys = []string{"fast"}
)

// Whom and of what the language can tell people, but not this build.
var (
	laterTargets = []string{"group", "user", "slack", "teams", "webhook"}
	laterEvents  = []string{"late", "approval"}
)

// laterEffects are the kinds of effect that this build doesn't have yet.
var laterEffects = []string{"once"}

// unsupportedValue reports whether a value is the language's, at a place, but not this build's.
func unsupportedValue(path []string, value string) bool {
	switch {
	case len(path) == 4 && path[0] == "notify" && path[2] == "events":
		return slices.Contains(laterEvents, value)
	case isStep(path[:max(0, len(path)-1)]):
		return path[len(path)-1] == "effect" && slices.Contains(laterEffects, value)
	}
	return false
}

// unsupported reports whether a key is the language's, at a place, but not this build's.
func unsupported(path []string, key string) bool {
	switch {
	case len(path) == 0:
		return slices.Contains(laterJobKeys, key)
	case isStep(path):
		return slices.Contains(laterStepKeys, key)
	}
	return false
}

// isStep reports whether a path is that of a step.
func isStep(path []string) bool {
	switch len(path) {
	case 2:
		return path[0] == "steps" || path[0] == "finally"
	case 4:
		return (path[0] == "steps" || path[0] == "finally") && path[2] == "steps"
	}
	return false
}
