package job

import (
	"net/mail"
	"strconv"
	"strings"
	"time"

	"github.com/fairlead/fairlead/internal/job/expr"
)

// leastPoll is the shortest pause between two calls of a poll.
const leastPoll = Duration(100 * time.Millisecond)

// checkPoll checks a poll's times.
func (c *checker) checkPoll(s *site) {
	p := s.step.Poll
	if p == nil || p.Every == 0 {
		return
	}
	path := join(s.path, "poll")
	switch {
	case p.Every < leastPoll:
		c.add(join(path, "every"), quote(p.Every.String())+" is too short for a pause between two calls; the least is 100ms")
	case p.Timeout <= p.Every:
		at := join(path, "every")
		if s.node.get("poll").field("timeout") != nil {
			at = join(path, "timeout")
		}
		c.add(at, "the poll would be over after "+p.Timeout.String()+", before its second call, "+p.Every.String()+" after the first; make `timeout` longer, or `every` shorter")
	}
}

// checkWait checks that a wait is for one thing.
func (c *checker) checkWait(s *site) {
	n := s.node.get("wait")
	if n == nil || n.kind != kindMap {
		return
	}
	path := join(s.path, "wait")
	var have []string
	for _, key := range []string{"for", "until", "callback"} {
		if n.field(key) != nil {
			have = append(have, key)
		}
	}
	switch {
	case len(have) > 1:
		c.addKey(join(path, have[1]), "a wait is for one of `for`, `until` and `callback`, and this one has "+andList(have)+"; keep one, and make a step of its own of the other")
	case len(have) == 0 && len(n.fields) == 0:
		c.add(path, "the wait is for nothing; write `wait: {for: 10m}`, `{until: \"${…}\"}` or `{callback: {timeout: 6h}}`")
	case len(have) == 0:
		c.add(path, "one of `for`, `until` and `callback` is missing; write `wait: {for: 10m}`, `{until: \"${…}\"}` or `{callback: {timeout: 6h}}`")
	}
}

// checkUntil compiles the end of a wait, and evaluates one that is the same in every run.
func (c *checker) checkUntil(scopes *scoping, w *written, v view) {
	result := c.checkExpression(scopes, w, expr.WantTime, v)
	if result == nil || len(result.refs) > 0 {
		return
	}
	env, err := expr.NewEnv(expr.Types{})
	if err != nil {
		return // checkExpressions has said it
	}
	constant, problems := env.Single(w.node.text, expr.WantTime)
	if len(problems) > 0 {
		return
	}
	if _, err := constant.Time(nil); err != nil {
		c.add(w.path, "this gives no time in any run: "+err.Error())
	}
}

// checkApproval checks who may decide.
func (c *checker) checkApproval(s *site) {
	by := s.node.get("approval").get("by")
	if by == nil {
		return
	}
	path := join(s.path, "approval", "by")
	if by.kind == kindString {
		c.checkApprover(path, by.text)
		return
	}
	for i, item := range by.items {
		if item.kind == kindString {
			c.checkApprover(join(path, strconv.Itoa(i)), item.text)
		}
	}
}

// checkApprover checks one of those who may decide: group:NAME or user:NAME.
func (c *checker) checkApprover(path []string, by string) {
	const forms = "write group:NAME, or user: and an e-mail address or a subject"
	scheme, name, found := strings.Cut(by, ":")
	switch {
	case strings.Contains(by, "${"):
		c.add(path, "no expression is evaluated in `by`: who may decide is fixed when the job is published; "+forms)
	case !found && isAddress(by):
		c.add(path, quote(by)+" doesn't say that it is a user; write user:"+shorten(by))
	case !found:
		c.add(path, quote(by)+" doesn't say whether it is a group or a user; write group:"+shorten(by)+" or user:"+shorten(by))
	case scheme != "group" && scheme != "user":
		c.add(path, quote(by)+" is nobody who could decide"+orAllowed(didYouMean(scheme, []string{"group", "user"}), "; "+forms))
	case name == "" || strings.ContainsAny(name, " \t\r\n"):
		c.add(path, quote(by)+" has no name of a "+scheme+" without spaces; "+forms)
	}
}

// isAddress reports whether a text is an e-mail address.
func isAddress(text string) bool {
	parsed, err := mail.ParseAddress(text)
	return err == nil && parsed.Address == text
}
