package job

import (
	"fmt"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// merged is a step's `with` and where each of its arguments was written.
type merged struct {
	node *node
	// origin is the path of the map that an argument comes from.
	origin map[string][]string
}

// arguments are the merged arguments; nil without any.
func (m *merged) arguments() *node {
	if m == nil {
		return nil
	}
	return m.node
}

// path is where a place inside a step's arguments is written.
func (m *merged) path(inside []string, own []string) []string {
	if len(inside) == 0 {
		return own
	}
	return join(m.origin[inside[0]], inside...)
}

// mergeWith gives every call its arguments: its own, then the job's defaults for
// its action, then those for the first segment of the action's name. An
// argument replaces another as a whole.
func (c *checker) mergeWith() {
	all, err := actions()
	if err != nil {
		return // checkUses has said it
	}
	defaults := c.root.get("defaults").get("with")
	m := merger{defaults: defaults, actions: all, used: map[string]bool{}, room: budget{nodes: maxNodes, bytes: maxMerged}}
	for _, s := range c.sites {
		if s.step.Uses != "" {
			s.with = m.merge(s.step.Uses, s.node.get("with"), join(s.path, "with"))
			s.step.With = s.with.node.canonical()
		}
		if undo := s.step.Compensate; undo != nil {
			s.undo = m.merge(undo.Uses, s.node.get("compensate").get("with"), join(s.path, "compensate", "with"))
			undo.With = s.undo.node.canonical()
		}
		if m.room.nodes < 0 || m.room.bytes < 0 {
			c.crowded = true
			c.add([]string{"defaults", "with"}, fmt.Sprintf("the defaults grow to more than %d values or %d bytes when every step takes them; use fewer or smaller ones",
				maxNodes, maxMerged))
			return
		}
	}
	if defaults != nil && defaults.kind == kindMap {
		c.checkDefaults(defaults, all, m.used)
	}
}

// merger merges the defaults of one job into its calls.
type merger struct {
	defaults *node
	actions  map[string]*action
	used     map[string]bool
	// room is what all copies of the defaults may come to.
	room budget
}

// merge returns the arguments of one call.
func (m *merger) merge(uses string, own *node, path []string) *merged {
	result := &merged{node: &node{kind: kindMap}, origin: map[string][]string{}}
	result.take(own, path, nil)
	written := len(result.node.fields)
	if found := m.actions[uses]; found != nil {
		m.used[found.name], m.used[found.segment()] = true, true
		result.take(m.defaults.get(found.name), []string{"defaults", "with", found.name}, nil)
		if segment := found.segment(); segment != found.name {
			result.take(m.defaults.get(segment), []string{"defaults", "with", segment}, found.declares)
		}
	}
	for _, f := range result.node.fields[written:] {
		f.value.spend(&m.room)
	}
	return result
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
			for _, found := range unknownKeys(path, []string{argument.key}, slices.Compact(known), false) {
				c.addKey(found.path, found.message)
			}
		}
	}
}

// checkWith checks every call's arguments against its action's contract. What
// an expression gives isn't known before the run: it is checked again then.
func (c *checker) checkWith() {
	all, err := actions()
	if err != nil || c.crowded {
		return
	}
	for _, s := range c.sites {
		if s.with != nil {
			c.checkArguments(all[s.step.Uses], s.node.get("with"), s.with, join(s.path, "with"))
		}
		if s.undo != nil {
			c.checkArguments(all[s.step.Compensate.Uses], s.node.get("compensate").get("with"), s.undo, join(s.path, "compensate", "with"))
		}
	}
}

// checkArguments checks the arguments of one call; own are those written at it.
func (c *checker) checkArguments(found *action, own *node, m *merged, path []string) {
	if found == nil || (own != nil && own.kind != kindMap) {
		return
	}
	for _, violation := range found.input.violations(m.node.value()) {
		if c.full() {
			return
		}
		if !excused(violation, m.node) {
			c.addArgument(found, violation, m, path)
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
		if required, ok := violation.ErrorKind.(*kind.Required); ok && len(f.path) == 0 && len(m.node.fields) == 0 {
			f.message = keyList(required.Missing) + " missing; add `with: {" + strings.Join(required.Missing, ": …, ") + ": …}`"
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
		if pattern, ok := violation.ErrorKind.(*kind.Pattern); ok {
			return mayBegin(pattern.Want, literalPrefix(found.text))
		}
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
