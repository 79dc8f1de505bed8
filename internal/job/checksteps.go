package job

import (
	"slices"
	"strconv"
	"strings"
)

// reservedWords can't be names: CEL keeps them (language definition, section "Syntax").
var reservedWords = []string{
	"as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in", "let",
	"loop", "namespace", "null", "package", "return", "true", "var", "void", "while",
}

// checkSteps checks ids, actions and needs, and resolves the needs.
func (c *checker) checkSteps() {
	for _, s := range c.sites {
		c.checkID(s)
		c.checkUses(s.path, s.step.Uses)
		if s.step.Compensate != nil {
			c.checkUses(join(s.path, "compensate"), s.step.Compensate.Uses)
		}
	}
	for _, l := range c.levels {
		for _, s := range l.sites {
			c.checkNeeds(s)
		}
		l.graph = newGraph(l.steps(), l.index)
		for _, circle := range l.graph.circles() {
			c.addCircle(l, circle)
		}
	}
}

// checkID checks a step's name, which is its own in the whole file.
func (c *checker) checkID(s *site) {
	id := s.step.ID
	if id == "" {
		return
	}
	path := join(s.path, "id")
	if slices.Contains(reservedWords, id) {
		c.add(path, "`"+id+"` is a reserved word of expressions; choose another id")
	}
	if first, twice := c.ids[id]; twice {
		c.add(path, "the id `"+shorten(id)+"` is taken by the step in line "+strconv.Itoa(first.node.pos.line)+"; choose another")
		return
	}
	c.ids[id] = s
	s.level.index[id] = s.at
}

// checkUses checks that the action exists.
func (c *checker) checkUses(path []string, uses string) {
	if uses == "" {
		return
	}
	actions, err := actions()
	if err != nil {
		c.add(join(path, "uses"), err.Error())
		return
	}
	if actions[uses] == nil {
		known := keysOf(actions)
		c.add(join(path, "uses"), "unknown action `"+shorten(uses)+"`"+orAllowed(didYouMean(uses, known), "; this build has "+choices(known)))
	}
}

// orAllowed is the suggestion, or else what is allowed.
func orAllowed(suggestion, allowed string) string {
	if suggestion != "" {
		return suggestion
	}
	return allowed
}

// checkNeeds resolves a step's needs: as written, else the step above it.
func (c *checker) checkNeeds(s *site) {
	step, index := s.step, s.level.index
	step.Needs = []string{}
	written := s.node.get("needs")
	if written == nil || written.kind != kindList || s.level.kind == levelFinally {
		if s.at > 0 && s.level.sites[s.at-1].step.ID != "" {
			step.Needs = []string{s.level.sites[s.at-1].step.ID}
		}
		return
	}
	for j, n := range written.items {
		if c.full() {
			return
		}
		path := join(s.path, "needs", strconv.Itoa(j))
		if n.kind != kindString {
			continue
		}
		_, known := index[n.text]
		switch {
		case n.text == step.ID:
			c.add(path, "the step `"+shorten(step.ID)+"` needs itself; remove it from its needs")
		case !known:
			c.add(path, c.unknownNeed(s, n.text))
		case !slices.Contains(step.Needs, n.text):
			step.Needs = append(step.Needs, n.text)
		}
	}
	slices.SortStableFunc(step.Needs, func(a, b string) int { return index[a] - index[b] })
}

// unknownNeed says why a step can't be needed.
func (c *checker) unknownNeed(s *site, id string) string {
	other := c.ids[id]
	switch {
	case other == nil:
		names := slices.DeleteFunc(keysOf(s.level.index), func(name string) bool { return name == s.step.ID })
		return "unknown step `" + shorten(id) + "`" + orAllowed(didYouMean(id, names), "; needs are ids of the steps beside this one")
	case other.level.kind == levelFinally:
		return "`" + id + "` is a step of `finally`, which begins when all others have ended; remove it from the needs"
	case other == s.level.group:
		return "`" + id + "` is the group that this step is in; remove it from the needs"
	case s.level.kind == levelGroup && other.level.kind == levelMain:
		return "`" + id + "` is outside of the group `" + shorten(s.level.group.step.ID) + "`, all of whose steps begin after what the group needs; put it into the needs of the group"
	}
	return "`" + id + "` is inside the group `" + shorten(other.level.group.step.ID) + "`, and can't be waited for from outside; need the group: `" + shorten(other.level.group.step.ID) + "`"
}

// addCircle keeps the problem of steps that wait for each other.
func (c *checker) addCircle(l *level, circle []int) {
	names := make([]string, 0, len(circle)+1)
	for _, i := range append(circle, circle[0]) {
		names = append(names, l.sites[i].step.ID)
	}
	const shown = 8
	if len(names) > shown {
		names = append(append(names[:shown-2:shown-2], "…"), names[len(names)-1])
	}
	message := "these steps wait for each other: " + strings.Join(names, " → ") + "; take one of them out of the other's needs"
	if at := slices.IndexFunc(circle, func(i int) bool { return l.sites[i].node.get("needs") == nil }); at >= 0 {
		message += " (`" + l.sites[circle[at]].step.ID + "` waits for the step above it; `needs: []` ends that)"
	}
	path := l.sites[circle[0]].path
	if l.sites[circle[0]].node.get("needs") != nil {
		path = join(path, "needs")
	}
	c.add(path, message)
}
