package job

// warn keeps something that is allowed but surely not meant.
func (c *checker) warn(path []string, message string) {
	pos := c.root.keyPosition(path)
	c.warnings = append(c.warnings, Field{Pointer: pointerOf(path...), Line: pos.line, Column: pos.column, Message: message})
}

// warnOfCallbacks warns of callbacks that nobody can make, since nobody is given the URL.
func (c *checker) warnOfCallbacks() {
	for _, s := range c.sites {
		if s.step.waitsForCallback() && s.step.ID != "" && !c.called[s.step.ID] {
			c.warn(join(s.path, "wait", "callback"), "no step passes on the URL of this callback: `${callbacks."+s.step.ID+
				"}` in the `with` of a step that runs before or beside this one")
		}
	}
}

// warnOfNoEffect warns of what a job says without effect.
func (c *checker) warnOfNoEffect() {
	if c.root.field("cleanupTimeout") != nil && !c.cleansUp() {
		c.warn([]string{"cleanupTimeout"}, "no step has `compensate` and there is no `finally`; this has no effect")
	}
	c.warnOfDefaults()
}

// cleansUp reports whether there is anything to do at the end of a run.
func (c *checker) cleansUp() bool {
	for _, s := range c.sites {
		if s.level.kind == levelFinally || s.step.Compensate != nil {
			return true
		}
	}
	return false
}
