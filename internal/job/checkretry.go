package job

import "slices"

// checkRetries checks every retry of a job, that of its defaults first.
func (c *checker) checkRetries() {
	defaults := c.root.get("defaults")
	mostAttempts := c.standard.retry.Attempts
	for _, s := range c.sites {
		mostAttempts = max(mostAttempts, s.step.Retry.Attempts)
		if s.step.Compensate != nil {
			mostAttempts = max(mostAttempts, s.step.Compensate.Retry.Attempts)
		}
	}
	c.checkRetry(defaults, []string{"defaults"}, c.standard.retry, mostAttempts)
	for _, s := range c.sites {
		c.checkRetry(s.node, s.path, s.step.Retry, s.step.Retry.Attempts)
		if undo := s.step.Compensate; undo != nil {
			c.checkRetry(s.node.get("compensate"), join(s.path, "compensate"), undo.Retry, undo.Retry.Attempts)
		}
	}
}

// checkRetry checks that what a `retry` says has an effect: another attempt is
// made, and may begin in time. retry has the defaults merged in, attempts is what
// comes of it.
func (c *checker) checkRetry(n *node, path []string, retry Retry, attempts int) {
	written := n.get("retry")
	if written == nil || written.kind != kindMap {
		return
	}
	path = join(path, "retry")
	if attempts == 1 {
		for _, f := range written.fields {
			if slices.Contains([]string{"initial", "factor", "max", "maxElapsed", "if"}, f.key) {
				c.addKey(join(path, f.key), "`attempts` is 1, so there is no other attempt, and `"+f.key+"` has no effect; remove it, or make `attempts` more")
			}
		}
		return
	}
	c.checkElapsed(written, path, retry)
	usual, _ := c.root.get("defaults").get("retry").stringAt("max")
	longest, err := ParseDuration(usual)
	if len(path) > 2 && err == nil && written.field("initial") != nil && written.field("max") == nil && longest < retry.Initial {
		c.warn(join(path, "initial"), "the first pause is longer than the longest of `defaults.retry`, "+longest.String()+
			", which doesn't count here: every pause is "+retry.Initial.String()+"; say it with a `max` of its own")
	}
}

// checkElapsed checks that another attempt may begin in time. Of defaults alone, the defaults' own check tells.
func (c *checker) checkElapsed(written *node, path []string, retry Retry) {
	if retry.MaxElapsed == 0 || retry.MaxElapsed >= retry.Initial {
		return
	}
	for _, key := range []string{"maxElapsed", "initial"} {
		if written.field(key) != nil {
			c.add(join(path, key), "no second attempt would begin: the first pause is "+retry.Initial.String()+
				", and after "+retry.MaxElapsed.String()+" none begins any more; make `maxElapsed` longer, or `initial` shorter")
			return
		}
	}
}

// checkCovered checks that a `continueOnError` may have something to cover, and leaves something to others.
func (c *checker) checkCovered(s *site) {
	if s.step.ContinueOnError == "" {
		return
	}
	if tolerate := s.node.get("foreach").field("tolerate"); tolerate != nil && s.step.ContinueOnError == always {
		c.addKey(join(s.path, "foreach", "tolerate"), "`continueOnError: true` covers every item that fails, so none is counted here; keep one of the two")
	}
	alone := s.step.If == "" && s.step.Foreach == nil && s.step.Output == nil
	if s.node.get("wait").field("for") != nil && alone {
		c.addKey(join(s.path, "continueOnError"), "a `wait` for a length of time can't fail; remove `continueOnError`")
	}
}

// checkChildren checks, with the defaults merged in, what has no effect on a child that isn't waited for.
func (c *checker) checkChildren() {
	for _, s := range c.sites {
		if s.step.Uses == usesJobRun {
			c.checkChild(s.node, s.path, s.with)
		}
		if s.step.Compensate != nil && s.step.Compensate.Uses == usesJobRun {
			c.checkChild(s.node.get("compensate"), join(s.path, "compensate"), s.undo)
		}
	}
}

func (c *checker) checkChild(n *node, path []string, with *merged) {
	if n.field("timeout") != nil && with.leavesChild() {
		c.addKey(join(path, "timeout"), "with `wait: false` the step doesn't wait for the child, so there is nothing to time out; put `timeout` into the child's file")
	}
	if child, ok := with.arguments().stringAt("job"); ok && child == c.def.Name {
		c.warn(with.path([]string{"job"}, path), "the job starts itself; 10 runs may start each other, then the step fails")
	}
}

// leavesChild reports whether the arguments of job.run say for sure that the child isn't waited for.
func (m *merged) leavesChild() bool {
	wait := m.arguments().get("wait")
	return wait != nil && wait.kind == kindBool && !wait.truth
}

// warnOfDefaults warns of defaults that no call takes: each has its own, or there is none that could.
func (c *checker) warnOfDefaults() {
	defaults := c.root.get("defaults")
	timeout, retry := false, false
	for _, s := range c.sites {
		for _, n := range []*node{s.node, s.node.get("compensate")} {
			uses, called := n.stringAt("uses")
			if !called || ownActions[uses] != nil {
				continue // of a child neither counts, and `fail` calls nothing
			}
			timeout = timeout || n.field("timeout") == nil
			for _, f := range fieldsOf(defaults.get("retry")) {
				retry = retry || n.get("retry").field(f.key) == nil
			}
		}
	}
	for key, used := range map[string]bool{"timeout": timeout, "retry": retry} {
		if !used && defaults.field(key) != nil {
			c.warn([]string{"defaults", key}, "no call takes this; it has no effect")
		}
	}
}

// fieldsOf are a map's; none of anything else.
func fieldsOf(n *node) []field {
	if n == nil {
		return nil
	}
	return n.fields
}
