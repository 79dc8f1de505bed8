package job

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// merged is a step's `with` and where each of its arguments was written.
type merged struct {
	node *node
	// origin is the path of the map that an argument comes from.
	origin map[string][]string
}

// path is where a place inside a step's arguments is written.
func (m *merged) path(inside []string, own []string) []string {
	if len(inside) == 0 {
		return own
	}
	return join(m.origin[inside[0]], inside...)
}

// mergeWith gives every step its arguments: its own, then the job's defaults for
// its action, then those for the first segment of the action's name. An
// argument replaces another as a whole.
func (c *checker) mergeWith() {
	used := map[string]bool{}
	all, err := actions()
	if err != nil {
		return // checkUses has said it
	}
	defaults := c.root.get("defaults").get("with")
	c.merged = make([]*merged, len(c.def.Steps))
	room := &budget{nodes: maxNodes, bytes: maxMerged}
	for i := range c.def.Steps {
		own := c.root.get("steps").items[i].get("with")
		path := []string{"steps", strconv.Itoa(i), "with"}
		m := &merged{node: &node{kind: kindMap}, origin: map[string][]string{}}
		m.take(own, path, nil)
		written := len(m.node.fields)
		if found := all[c.def.Steps[i].Uses]; found != nil {
			used[found.name], used[found.segment()] = true, true
			m.take(defaults.get(found.name), []string{"defaults", "with", found.name}, nil)
			if segment := found.segment(); segment != found.name {
				m.take(defaults.get(segment), []string{"defaults", "with", segment}, found.declares)
			}
		}
		for _, f := range m.node.fields[written:] {
			f.value.spend(room)
		}
		if room.nodes < 0 || room.bytes < 0 {
			c.merged = nil
			c.add([]string{"defaults", "with"}, fmt.Sprintf("the defaults grow to more than %d values or %d bytes when every step takes them; use fewer or smaller ones",
				maxNodes, maxMerged))
			return
		}
		c.merged[i] = m
		c.def.Steps[i].With = m.node.canonical()
	}
	if defaults != nil && defaults.kind == kindMap {
		c.checkDefaults(defaults, all, used)
	}
}

// take adds the arguments of a map that aren't there yet and that wanted, where it is given, takes.
func (m *merged) take(from *node, path []string, wanted func(string) bool) {
	if from == nil || from.kind != kindMap {
		return
	}
	if m.node.pos.line == 0 {
		m.node.pos = from.pos
	}
	for _, f := range from.fields {
		if _, have := m.origin[f.key]; have || (wanted != nil && !wanted(f.key)) {
			continue
		}
		m.origin[f.key] = path
		m.node.fields = append(m.node.fields, f)
	}
}

// checkDefaults checks that every entry of defaults.with is for an action, and
// that some action takes each of its arguments.
func (c *checker) checkDefaults(defaults *node, all map[string]*action, used map[string]bool) {
	names := keysOf(all)
	for _, a := range all {
		names = append(names, a.segment())
	}
	slices.Sort(names)
	names = slices.Compact(names)
	for _, f := range defaults.fields {
		if c.full() {
			return
		}
		path := []string{"defaults", "with", f.key}
		switch {
		case !slices.Contains(names, f.key):
			c.addKey(path, "`"+shorten(f.key)+"` is no action and no first segment of one"+orAllowed(didYouMean(f.key, names), "; this build has "+choices(names)))
		case !used[f.key]:
			c.warn(path, "no step uses `"+f.key+"`; these defaults have no effect")
			fallthrough
		default:
			c.checkDefaultKeys(f, path, all)
		}
	}
}

// checkDefaultKeys refuses arguments that no action of the entry takes.
func (c *checker) checkDefaultKeys(entry field, path []string, all map[string]*action) {
	for _, argument := range entry.value.fields {
		if c.full() {
			return
		}
		var known []string
		taken := false
		for _, a := range all {
			if a.name == entry.key || a.segment() == entry.key {
				object, _ := a.input.doc.(map[string]any)
				known = append(known, propertyNames(object)...)
				taken = taken || a.declares(argument.key)
			}
		}
		if !taken {
			slices.Sort(known)
			for _, found := range unknownKeys(path, []string{argument.key}, slices.Compact(known)) {
				c.addKey(found.path, found.message)
			}
		}
	}
}

// checkWith checks every step's arguments against its action's contract. What
// an expression gives isn't known before the run: it is checked again then.
func (c *checker) checkWith() {
	all, err := actions()
	if err != nil {
		return
	}
	for i, m := range c.merged {
		found := all[c.def.Steps[i].Uses]
		own := c.root.get("steps").items[i].get("with")
		if found == nil || (own != nil && own.kind != kindMap) {
			continue
		}
		path := []string{"steps", strconv.Itoa(i), "with"}
		for _, violation := range found.input.violations(m.node.value()) {
			if c.full() {
				return
			}
			if !excused(violation, m.node) {
				c.addArgument(found, violation, m, path)
			}
		}
	}
}

// addArgument keeps the problem of an argument where that was written.
func (c *checker) addArgument(found *action, violation *jsonschema.ValidationError, m *merged, path []string) {
	for _, f := range explain(found.input, violation, m.node) {
		at := m.path(f.path, path)
		if f.key {
			c.addKey(at, f.message)
			continue
		}
		if _, ok := violation.ErrorKind.(*kind.Not); ok && found.name == "http" && len(f.path) == 0 {
			f.message = "`json` and `text` are two bodies; keep one of them"
		}
		c.add(at, f.message)
	}
}

// excused reports whether a violation is of a text with an expression, whose
// value isn't known yet, or of an alternative that failed because of one.
func excused(violation *jsonschema.ValidationError, with *node) bool {
	found, ok := with.find(violation.InstanceLocation)
	if ok && found.kind == kindString && hasExpression(found.text) {
		// A text around an expression stays text.
		typed, wrongType := violation.ErrorKind.(*kind.Type)
		return !wrongType || soleExpression(found.text) || slices.Contains(typed.Want, "string")
	}
	switch violation.ErrorKind.(type) {
	case *kind.AnyOf, *kind.OneOf, *kind.Contains:
		for _, cause := range violation.Causes {
			for _, leaf := range leaves(cause, nil) {
				if excused(leaf, with) {
					return true
				}
			}
		}
	}
	return false
}
