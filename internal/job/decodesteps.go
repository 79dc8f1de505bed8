package job

import (
	"strconv"
	"strings"
)

// usual is what a step has that says nothing else.
type usual struct {
	timeout Duration
	retry   Retry
}

// decodeSteps reads a list of steps.
func (c *checker) decodeSteps(list *node, path []string, standard usual) []Step {
	if list == nil || list.kind != kindList {
		return nil
	}
	steps := make([]Step, len(list.items))
	for i, n := range list.items {
		steps[i] = c.decodeStep(n, join(path, strconv.Itoa(i)), standard)
	}
	return steps
}

// decodeStep reads one step. Its needs and arguments are filled in later.
func (c *checker) decodeStep(n *node, path []string, standard usual) Step {
	var step Step
	step.ID, _ = n.stringAt("id")
	step.Uses, _ = n.stringAt("uses")
	step.If, _ = n.stringAt("if")
	step.Token, _ = n.stringAt("token")
	step.Output = raw(n.get("output"))
	step.ContinueOnError = continues(n.get("continueOnError"))
	if step.Uses != "" {
		step.Retry = standard.retry
		if step.Uses != usesJobRun {
			step.Timeout = standard.timeout
		}
		c.retry(n, path, &step.Retry)
	}
	c.duration(n, path, "timeout", &step.Timeout)
	step.Foreach = c.decodeForeach(n.get("foreach"))
	step.Wait = c.decodeWait(n.get("wait"), join(path, "wait"))
	step.Approval = c.decodeApproval(n.get("approval"), join(path, "approval"))
	step.Poll = c.decodePoll(n.get("poll"), join(path, "poll"))
	step.Compensate = c.decodeCompensate(n.get("compensate"), join(path, "compensate"), standard)
	step.Steps = c.decodeSteps(n.get("steps"), join(path, "steps"), standard)
	return step
}

// continues is a `continueOnError`: "true", an expression, or "".
func continues(n *node) string {
	switch {
	case n == nil:
		return ""
	case n.kind == kindString:
		return n.text
	case n.kind == kindBool && n.truth:
		return "true"
	}
	return ""
}

// decodeForeach reads a `foreach`.
func (c *checker) decodeForeach(n *node) *Foreach {
	if n == nil || n.kind != kindMap {
		return nil
	}
	f := &Foreach{In: raw(trimmed(n.get("in"))), Parallel: DefaultParallel, Tolerate: tolerance(n.get("tolerate"))}
	f.As, _ = n.stringAt("as")
	f.Key, _ = n.stringAt("key")
	number(n.get("parallel"), &f.Parallel)
	return f
}

// trimmed is a value without the space around its text, which isn't part of an expression.
func trimmed(n *node) *node {
	if n == nil || n.kind != kindString {
		return n
	}
	return &node{kind: kindString, text: strings.TrimSpace(n.text)}
}

// tolerance reads a `tolerate`: N or "N%".
func tolerance(n *node) Tolerance {
	var t Tolerance
	if n == nil {
		return t
	}
	number(n, &t.Items)
	if n.kind == kindString && len(n.text) > 1 && n.text[len(n.text)-1] == '%' {
		if percent, err := strconv.Atoi(n.text[:len(n.text)-1]); err == nil {
			t.Percent = percent
		}
	}
	return t
}

// decodeWait reads a `wait`.
func (c *checker) decodeWait(n *node, path []string) *Wait {
	if n == nil || n.kind != kindMap {
		return nil
	}
	w := &Wait{}
	c.duration(n, path, "for", &w.For)
	w.Until, _ = n.stringAt("until")
	if callback := n.get("callback"); callback != nil && callback.kind == kindMap {
		w.Callback = &CallbackWait{Timeout: DefaultCallbackTimeout}
		c.duration(callback, join(path, "callback"), "timeout", &w.Callback.Timeout)
	}
	return w
}

// decodeApproval reads an `approval`.
func (c *checker) decodeApproval(n *node, path []string) *Approval {
	if n == nil || n.kind != kindMap {
		return nil
	}
	a := &Approval{Timeout: DefaultApprovalTimeout, OnTimeout: OnTimeoutFail}
	if by := n.get("by"); by != nil && by.kind == kindString {
		a.By = []string{by.text}
	} else {
		a.By = texts(by)
	}
	a.Message, _ = n.stringAt("message")
	c.duration(n, path, "timeout", &a.Timeout)
	if end, ok := n.stringAt("onTimeout"); ok {
		a.OnTimeout = end
	}
	if not := n.get("notSubmitter"); not != nil && not.kind == kindBool {
		a.NotSubmitter = not.truth
	}
	return a
}

// decodePoll reads a `poll`.
func (c *checker) decodePoll(n *node, path []string) *Poll {
	if n == nil || n.kind != kindMap {
		return nil
	}
	p := &Poll{Timeout: DefaultPollTimeout}
	c.duration(n, path, "every", &p.Every)
	c.duration(n, path, "timeout", &p.Timeout)
	p.Until, _ = n.stringAt("until")
	p.FailIf, _ = n.stringAt("failIf")
	return p
}

// decodeCompensate reads a `compensate`.
func (c *checker) decodeCompensate(n *node, path []string, standard usual) *Compensate {
	if n == nil || n.kind != kindMap {
		return nil
	}
	undo := &Compensate{Timeout: standard.timeout, Retry: standard.retry}
	undo.Uses, _ = n.stringAt("uses")
	if undo.Uses == usesJobRun {
		undo.Timeout = 0
	}
	c.duration(n, path, "timeout", &undo.Timeout)
	c.retry(n, path, &undo.Retry)
	return undo
}

// number reads a whole number where there is one.
func number(n *node, into *int) {
	if n == nil || n.kind != kindNumber {
		return
	}
	if value, err := strconv.Atoi(n.text); err == nil {
		*into = value
	}
}
