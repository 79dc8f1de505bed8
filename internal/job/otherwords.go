package job

import (
	"slices"
	"strings"
)

// otherWords are keys that people know from elsewhere, and what they are here,
// by the map that they are in: in lower case, without _ and -. Keys that are
// only misspelled need no entry.
var otherWords = map[string]map[string]string{
	"job": {
		"on": "triggers", "schedule": "schedules", "cron": "schedules", "jobs": "steps", "tasks": "steps", "stages": "steps",
		"inputs": "input", "params": "input", "parameters": "input", "result": "output", "onfailure": "notify",
		"cleanup": "finally", "always": "finally", "tags": "labels", "id": "name",
	},
	"step": {
		"name": "id", "action": "uses", "run": "uses", "call": "uses", "type": "uses", "job": "uses",
		"args": "with", "params": "with", "inputs": "with", "input": "with", "env": "with",
		"dependson": "needs", "after": "needs", "requires": "needs", "when": "if", "condition": "if", "only": "if",
		"matrix": "foreach", "loop": "foreach", "withitems": "foreach", "retries": "retry", "attempts": "retry",
		"continueonerror": "continueOnError", "ignoreerrors": "continueOnError", "onerror": "continueOnError", "allowfailure": "continueOnError",
		"sleep": "wait", "pause": "wait", "delay": "wait", "approve": "approval", "gate": "approval", "group": "steps", "tasks": "steps",
		"undo": "compensate", "rollback": "compensate", "idempotencykey": "token", "outputs": "output", "result": "output",
	},
	"foreach": {
		"items": "in", "list": "in", "over": "in", "of": "in", "item": "as", "var": "as", "name": "as", "id": "key",
		"concurrency": "parallel", "maxparallel": "parallel", "limit": "parallel", "maxfailures": "tolerate", "allowedfailures": "tolerate",
	},
	"wait":     {"duration": "for", "seconds": "for", "time": "for", "at": "until", "webhook": "callback"},
	"approval": {"approvers": "by", "users": "by", "groups": "by", "text": "message", "question": "message", "expires": "timeout", "default": "onTimeout"},
	"poll":     {"interval": "every", "delay": "every", "while": "until", "condition": "until", "if": "until", "failon": "failIf", "fail": "failIf", "max": "timeout"},
	"retry": {
		"maxattempts": "attempts", "limit": "attempts", "count": "attempts", "delay": "initial", "interval": "initial", "every": "initial",
		"backoff": "factor", "multiplier": "factor", "maxdelay": "max", "maxinterval": "max", "timeout": "maxElapsed", "when": "if", "on": "if",
	},
	"compensate": {"action": "uses", "args": "with", "input": "with"},
}

// belongs are keys that are right in another map: by the map that they were
// written in, where they go, and which.
var belongs = []struct {
	in, where string
	keys      []string
}{
	{"job", "it is a step's; for all steps write it in `defaults`", []string{"retry", "with"}},
	{"job", "it is a step's", []string{"if", "needs", "uses", "foreach", "continueOnError", "compensate", "approval", "wait", "poll"}},
	{"job", "versions are counted as the job is published; remove it", []string{"version"}},
	{"job", "the team is that of the address that the job is published to; remove it", []string{"team"}},
	{"step", "it is the job's, beside `steps`", []string{"finally", "notify", "labels", "defaults", "priority", "concurrency", "cleanupTimeout"}},
	{"step", "it goes into `foreach`", []string{"as", "in", "parallel", "tolerate", "key"}},
	{"step", "it goes into `poll`", []string{"every", "until", "failIf"}},
	{"step", "it goes into `retry`", []string{"maxElapsed"}},
	{"step", "it goes into `wait`", []string{"for", "callback"}},
	{"step", "it goes into `approval`", []string{"by", "onTimeout", "notSubmitter"}},
	{"step", "it goes into `approval`, or into the `with` of `uses: fail`", []string{"message"}},
	{"step", "it is an argument, and goes into `with`", []string{"url", "method", "headers", "json"}},
	{"foreach", "it goes beside `foreach`", []string{"steps", "uses", "with", "continueOnError", "output", "timeout", "retry"}},
	{"wait", "it goes into `callback`", []string{"timeout"}},
	{"poll", "a poll asks until its `timeout`; failed calls are counted by the step's `retry`", []string{"attempts"}},
	{"poll", "it goes beside `poll`", []string{"retry"}},
	{"compensate", "a compensation runs whenever its step has succeeded", []string{"if"}},
	{"compensate", "compensations run in reverse order of completion", []string{"needs"}},
	{"compensate", "a step's compensation runs once for each of its items", []string{"foreach"}},
	{"compensate", "nobody sees the output of a compensation", []string{"output"}},
	{"compensate", "a compensation is one call", []string{"poll"}},
	{"compensate", "a failed compensation never stops the others", []string{"continueOnError"}},
	{"defaults", "only `timeout`, `retry` and `with` have defaults", []string{"poll", "if", "continueOnError", "foreach", "compensate", "output"}},
}

// belongsTo says where a key goes that a map doesn't have; "" when it goes nowhere.
func belongsTo(in, key string) string {
	for _, b := range belongs {
		if b.in == in && slices.Contains(b.keys, key) {
			return b.where
		}
	}
	return ""
}

// hintOf says what to do instead of a key that a map of the language doesn't have; "" when nothing is known.
func hintOf(path []string, key string) string {
	if unsupported(path, key) {
		return "`" + key + "` is not supported by this build; remove it"
	}
	if where := belongsTo(mapAt(path), key); where != "" {
		return "`" + key + "` is no key here: " + where
	}
	other := otherWord(path, key)
	switch {
	case other == "":
		return ""
	case unsupported(path, other):
		return "unknown key `" + key + "`; here it is `" + other + "`, which is not supported by this build"
	}
	return "unknown key `" + key + "`; here it is `" + other + "`"
}

// otherWord is what a key that is known from elsewhere is in a map of the language, "" when it isn't known.
func otherWord(path []string, key string) string {
	plain := strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(key))
	return otherWords[mapAt(path)][plain]
}

// mapAt names the map of the language at a path; "" for any other.
func mapAt(path []string) string {
	switch {
	case len(path) == 0:
		return "job"
	case isStep(path):
		return "step"
	case len(path) == 1 && path[0] == "defaults", path[len(path)-1] == "retry" && len(path) == 2 && path[0] == "defaults":
		return path[len(path)-1]
	case isStep(path[:len(path)-1]), len(path) > 2 && isStep(path[:len(path)-2]) && path[len(path)-2] == "compensate":
		return path[len(path)-1]
	}
	return ""
}
