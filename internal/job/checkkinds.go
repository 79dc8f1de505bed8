package job

import (
	"slices"
	"strings"

	"github.com/fairlead/fairlead/internal/job/expr"
)

// kinds are the keys that say what a step is; it has one of them.
var kinds = []string{"uses", "wait", "approval", "steps"}

// kindNames are the steps that call no action in a message.
var kindNames = map[string]string{
	"wait": "a `wait`", "approval": "an `approval`", "steps": "a group (`steps`)",
}

// checkKind checks that a step is of one kind, and has no keys of another.
func (c *checker) checkKind(s *site) {
	if s.node.kind != kindMap {
		return // the grammar says so
	}
	var have []string
	for _, kind := range kinds {
		if s.node.field(kind) != nil {
			have = append(have, kind)
		}
	}
	switch len(have) {
	case 0:
		c.checkNoKind(s)
	case 1:
		c.checkPlace(s, have[0])
		c.checkKeys(s, have[0])
	default:
		c.addKey(join(s.path, have[1]), "a step has one of "+choices(kinds)+", and this one has "+andList(have)+
			"; keep one, and make a step of its own of the other")
	}
}

// checkNoKind says what a step without a kind lacks, unless a misspelled key is told already.
func (c *checker) checkNoKind(s *site) {
	for _, f := range s.node.fields {
		if slices.Contains(kinds, expr.Nearest(f.key, kinds)) || slices.Contains(kinds, otherWord(s.path, f.key)) ||
			slices.ContainsFunc(kinds, func(kind string) bool { return strings.Contains(belongsTo("step", f.key), "`"+kind+"`") }) {
			return
		}
	}
	switch {
	case s.node.field("with") != nil:
		c.add(s.path, "`uses` is missing: the action that takes this `with`; add `uses: …`, this build has "+choices(ActionNames()))
	case s.node.field("foreach") != nil:
		c.add(s.path, "the step says for what it is done, but not what; add `uses: …`, or `steps: …` for several steps per item")
	default:
		c.add(s.path, "the step does nothing; add one of `uses: …` (an action), `wait: …`, `approval: …` and `steps: …` (a group)")
	}
}

// checkPlace refuses kinds of steps where they can't be.
func (c *checker) checkPlace(s *site, kind string) {
	path := join(s.path, kind)
	switch {
	case s.level.kind == levelGroup && kind == "steps":
		c.addKey(path, "a group can't be inside a group; write these steps beside the others of `"+shorten(s.level.group.step.ID)+
			"`, or start a job of their own with `uses: job.run`")
	case s.level.kind != levelFinally:
	case kind == "steps":
		c.addKey(path, "a group can't be in `finally`; write its steps one after the other, each with its own `foreach` where there is one")
	case kind == "approval":
		c.drop(path, "nobody can be asked in `finally`, whose time is short (`cleanupTimeout`); put the approval into `steps`")
	case s.node.get("wait").field("callback") != nil:
		c.drop(join(path, "callback"), "no callback can be waited for in `finally`, whose time is short (`cleanupTimeout`); put the step into `steps`, or `poll`")
	}
}

// callKeys are the keys that only a step with `uses` has, and where else what is meant goes.
var callKeys = map[string]map[string]string{
	"with":       {"": "only an action takes arguments"},
	"timeout":    {"wait.for": "it ends by itself", "wait.until": "it ends by itself", "wait": "write `wait: {callback: {timeout: …}}`", "approval": "write it inside: `approval: {timeout: …}`"},
	"retry":      {"steps": "put it on the steps inside", "": "there is nothing to try again"},
	"poll":       {"steps": "put it on the step inside that asks", "": "only an action can be called again"},
	"compensate": {"": "there is nothing to undo"},
	"token":      {"steps": "put it on the steps inside", "": "only an action's call has a token"},
	"effect":     {"steps": "put it on the steps inside", "": "only an action has an effect"},
}

// checkKeys refuses the keys of another kind of step.
func (c *checker) checkKeys(s *site, kind string) {
	if s.level.kind == levelFinally {
		if s.node.field("needs") != nil {
			c.drop(join(s.path, "needs"), "the steps of `finally` run one after the other, in the order of the file, whatever becomes of each; remove `needs`")
		}
		if s.node.field("compensate") != nil {
			c.drop(join(s.path, "compensate"), "a step of `finally` is not undone: it runs when everything is over; remove `compensate`")
		}
	}
	for _, f := range s.node.fields {
		ways, special := callKeys[f.key]
		if !special || kind == "uses" || (kind == "steps" && (f.key == "timeout" || f.key == "compensate")) {
			continue
		}
		c.drop(join(s.path, f.key), kindNames[kind]+" has no `"+f.key+"`: "+wayOut(ways, s, kind))
	}
	if kind == "uses" {
		c.checkOwnActions(s)
	}
}

// wayOut is what to write instead of a key of another kind of step.
func wayOut(ways map[string]string, s *site, kind string) string {
	detailed := kind
	for _, key := range []string{"for", "until"} {
		if kind == "wait" && s.node.get("wait").field(key) != nil {
			detailed = "wait." + key
		}
	}
	for _, key := range []string{detailed, kind, ""} {
		if way, ok := ways[key]; ok {
			return way
		}
	}
	return "remove it"
}

// ownActions are the actions that the interpreter does itself, and the keys
// that have no effect on them, with the reason.
var ownActions = map[string]map[string]string{
	usesFail: {
		"timeout": "it takes no time", "retry": "it would fail again", "poll": "it has no output to look at",
		"compensate": "it never succeeds, so there is nothing to undo", "token": "it makes no call", "output": "it never has one",
	},
	usesJobRun: {
		"retry": "a child's failure is not retried; put `retry` on the steps of the child",
		"poll":  "it would start a run at every call; let the child poll",
		"token": "the child's run has tokens of its own",
	},
}

// checkOwnActions refuses the keys that have no effect on the interpreter's own actions.
func (c *checker) checkOwnActions(s *site) {
	uses := s.step.Uses
	reasons := ownActions[uses]
	for _, f := range s.node.fields {
		if reason, ok := reasons[f.key]; ok {
			c.drop(join(s.path, f.key), "`uses: "+uses+"` has no `"+f.key+"`: "+reason)
		}
	}
	c.checkUndo(s)
}

// checkUndo refuses compensations that would undo nothing.
func (c *checker) checkUndo(s *site) {
	undo := s.step.Compensate
	if undo == nil {
		return
	}
	path := join(s.path, "compensate")
	switch undo.Uses {
	case usesFail:
		c.add(join(path, "uses"), "`fail` undoes nothing; call what takes the step's effect back")
	case usesJobRun:
		if s.node.get("compensate").field("retry") != nil {
			c.addKey(join(path, "retry"), "`uses: job.run` has no `retry`: "+ownActions[usesJobRun]["retry"])
		}
	}
}

// andList lists names in a message: `a`, `b` and `c`.
func andList(names []string) string { return strings.ReplaceAll(choices(names), " or ", " and ") }
