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
	index := map[string]int{}
	for i, step := range c.def.Steps {
		path := []string{"steps", strconv.Itoa(i)}
		c.checkID(path, step.ID, i, index)
		c.checkUses(path, step.Uses)
	}
	for i := range c.def.Steps {
		c.checkNeeds(i, index)
	}
	c.graph = newGraph(c.def.Steps, index)
	for _, circle := range c.graph.circles() {
		c.addCircle(circle)
	}
}

// checkID checks a step's name and enters it into the index.
func (c *checker) checkID(path []string, id string, i int, index map[string]int) {
	if id == "" {
		return
	}
	if slices.Contains(reservedWords, id) {
		c.add(join(path, "id"), "`"+id+"` is a reserved word of expressions; choose another id")
	}
	if first, twice := index[id]; twice {
		at := c.root.get("steps").items[first]
		c.add(join(path, "id"), "the id `"+shorten(id)+"` is taken by the step in line "+strconv.Itoa(at.pos.line)+"; choose another")
		return
	}
	index[id] = i
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
func (c *checker) checkNeeds(i int, index map[string]int) {
	step := &c.def.Steps[i]
	step.Needs = []string{}
	written := c.root.get("steps").items[i].get("needs")
	if written == nil || written.kind != kindList {
		if i > 0 && c.def.Steps[i-1].ID != "" {
			step.Needs = []string{c.def.Steps[i-1].ID}
		}
		return
	}
	for j, n := range written.items {
		if c.full() {
			return
		}
		path := []string{"steps", strconv.Itoa(i), "needs", strconv.Itoa(j)}
		if n.kind != kindString {
			continue
		}
		_, known := index[n.text]
		switch {
		case n.text == step.ID:
			c.add(path, "the step `"+shorten(step.ID)+"` needs itself; remove it from its needs")
		case !known:
			names := slices.DeleteFunc(keysOf(index), func(name string) bool { return name == step.ID })
			c.add(path, "unknown step `"+shorten(n.text)+"`"+orAllowed(didYouMean(n.text, names), "; needs are ids of this job's steps"))
		case !slices.Contains(step.Needs, n.text):
			step.Needs = append(step.Needs, n.text)
		}
	}
	slices.SortStableFunc(step.Needs, func(a, b string) int { return index[a] - index[b] })
}

// addCircle keeps the problem of steps that wait for each other.
func (c *checker) addCircle(circle []int) {
	names := make([]string, 0, len(circle)+1)
	for _, i := range append(circle, circle[0]) {
		names = append(names, c.def.Steps[i].ID)
	}
	const shown = 8
	if len(names) > shown {
		names = append(append(names[:shown-2:shown-2], "…"), names[len(names)-1])
	}
	path := []string{"steps", strconv.Itoa(circle[0])}
	message := "these steps wait for each other: " + strings.Join(names, " → ") + "; take one of them out of the other's needs"
	if at := slices.IndexFunc(circle, func(i int) bool { return c.root.get("steps").items[i].get("needs") == nil }); at >= 0 {
		message += " (`" + c.def.Steps[circle[at]].ID + "` waits for the step above it; `needs: []` ends that)"
	}
	if c.root.get("steps").items[circle[0]].get("needs") != nil {
		path = append(path, "needs")
	}
	c.add(path, message)
}
