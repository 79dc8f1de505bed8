package expr

import (
	"encoding/json"
	"slices"
	"strings"
)

// Scope holds the variables of an evaluation: the root's name to its value, in
// the model of [Decode]. Evaluation never changes it.
type Scope map[string]any

// Ref is a path that an expression selects, from a root variable down to the
// first index that isn't a literal string: {"steps", "load", "output", "rows"}.
type Ref []string

// String is the path as it is written, "steps.load.output.rows".
func (r Ref) String() string { return strings.Join(r, ".") }

// tree is a set of refs; a nil child stands for everything below it.
type tree map[string]tree

// Pruner cuts scopes down to what some refs need; the zero value keeps nothing.
type Pruner struct{ want []branch }

// branch is a member that refs select, and what they select of it.
type branch struct {
	name string
	// key begins the member in JSON: its name and a colon.
	key []byte
	// below are the members of it, by name; nil is all of it.
	below []branch
}

// NewPruner returns the pruner of refs.
func NewPruner(refs []Ref) Pruner { return Pruner{want: grow(refs).branches()} }

// Prune returns the part of a scope that the refs need, so that what they were
// taken from renders the same over it. A path that is missing stays missing.
// Values at the end of a ref are shared with scope, not copied.
func (p Pruner) Prune(scope Scope) Scope { return prune(scope, p.want) }

// JSON is what [json.Marshal] makes of the pruned scope, which it doesn't build:
// a run encodes the scope of every call again whenever it is replayed.
func (p Pruner) JSON(scope Scope) ([]byte, error) {
	return appendPruned(make([]byte, 0, 128), scope, p.want) // enough for a few texts
}

func grow(refs []Ref) tree {
	root := tree{}
	for _, ref := range refs {
		root.add(ref)
	}
	return root
}

func (t tree) add(ref Ref) {
	if len(ref) == 0 {
		return
	}
	child, seen := t[ref[0]]
	switch {
	case len(ref) == 1:
		t[ref[0]] = nil
		return
	case seen && child == nil:
		return
	case !seen:
		child = tree{}
		t[ref[0]] = child
	}
	child.add(ref[1:])
}

// branches are a set's, sorted by name; nil for everything.
func (t tree) branches() []branch {
	if t == nil {
		return nil
	}
	sorted := make([]branch, 0, len(t))
	for name, below := range t {
		key, _ := json.Marshal(name) // a text is always JSON
		sorted = append(sorted, branch{name: name, key: append(key, ':'), below: below.branches()})
	}
	slices.SortFunc(sorted, func(a, b branch) int { return strings.Compare(a.name, b.name) })
	return sorted
}

func prune(object map[string]any, want []branch) map[string]any {
	kept := make(map[string]any, len(want))
	for _, one := range want {
		value, ok := object[one.name]
		if !ok {
			continue
		}
		if member, ok := value.(map[string]any); ok && one.below != nil {
			value = prune(member, one.below)
		}
		kept[one.name] = value
	}
	return kept
}

func appendPruned(to []byte, object map[string]any, want []branch) (_ []byte, err error) {
	to = append(to, '{')
	begun := len(to)
	for _, one := range want {
		value, ok := object[one.name]
		if !ok {
			continue
		}
		if len(to) > begun {
			to = append(to, ',')
		}
		to = append(to, one.key...)
		if member, ok := value.(map[string]any); ok && one.below != nil {
			to, err = appendPruned(to, member, one.below)
		} else {
			to, err = appendJSON(to, value)
		}
		if err != nil {
			return nil, err
		}
	}
	return append(to, '}'), nil
}

func appendJSON(to []byte, value any) ([]byte, error) {
	raw, err := json.Marshal(value)
	return append(to, raw...), err
}

// distinct sorts refs and drops those that a shorter one covers.
func distinct(refs []Ref) []Ref {
	slices.SortFunc(refs, func(a, b Ref) int { return slices.Compare(a, b) })
	var kept []Ref
	for _, ref := range refs {
		if n := len(kept); n > 0 && len(kept[n-1]) <= len(ref) && slices.Equal(kept[n-1], ref[:len(kept[n-1])]) {
			continue
		}
		kept = append(kept, ref)
	}
	return kept
}
