package job

import (
	"slices"
	"strconv"
)

// levelKind says what a list of steps is.
type levelKind int

const (
	levelMain levelKind = iota
	levelGroup
	levelFinally
)

// level is a list of steps that may need each other: a job's, a group's, or `finally`.
type level struct {
	kind  levelKind
	sites []*site
	// group is the step whose steps these are; nil but for a group's.
	group *site
	// index has the places of the steps by their IDs, those that have one of their own.
	index map[string]int
	graph *graph
	// before are the steps that have ended before each begins, as they were asked for.
	before map[int][]*site
}

// site is a step where it stands in the file.
type site struct {
	step  *Step
	node  *node
	path  []string
	level *level
	// at is its place in the level.
	at int
	// inner are the steps of a group; nil for other steps.
	inner *level
	// with are its action's arguments, undo those of its compensation; nil where it has none.
	with, undo *merged
}

// layOut finds every step of a decoded file.
func (c *checker) layOut() {
	c.main = c.layOutLevel(levelMain, nil, c.def.Steps, c.root.get("steps"), []string{"steps"})
	c.finally = c.layOutLevel(levelFinally, nil, c.def.Finally, c.root.get("finally"), []string{"finally"})
}

// layOutLevel finds the steps of one list, and those in its groups.
func (c *checker) layOutLevel(kind levelKind, group *site, steps []Step, list *node, path []string) *level {
	l := &level{kind: kind, group: group, index: map[string]int{}, before: map[int][]*site{}}
	c.levels = append(c.levels, l)
	for i := range steps {
		s := &site{step: &steps[i], node: list.items[i], path: join(path, strconv.Itoa(i)), level: l, at: i}
		l.sites = append(l.sites, s)
		c.sites = append(c.sites, s)
		if inner := s.node.get("steps"); inner != nil && inner.kind == kindList {
			s.inner = c.layOutLevel(levelGroup, s, s.step.Steps, inner, join(s.path, "steps"))
		}
	}
	return l
}

// steps are the level's, as the definition has them.
func (l *level) steps() []Step {
	steps := make([]Step, len(l.sites))
	for i, s := range l.sites {
		steps[i] = *s.step
	}
	return steps
}

// ancestors are the steps of the level that have ended before a step of it begins.
func (l *level) ancestors(at int) []*site {
	if found, ok := l.before[at]; ok {
		return found
	}
	var found []*site
	for _, i := range l.graph.ancestors(at) {
		found = append(found, l.sites[i])
	}
	l.before[at] = slices.Clip(found)
	return l.before[at]
}

// callbacks are the steps of the level that wait for a callback, without some of them.
func (l *level) callbacks(without []*site) []string {
	var ids []string
	for _, s := range l.sites {
		if s.step.waitsForCallback() && s.step.ID != "" && !slices.Contains(without, s) {
			ids = append(ids, s.step.ID)
		}
	}
	return ids
}
