package expr

import (
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
type Pruner struct{ want tree }

// NewPruner returns the pruner of refs.
func NewPruner(refs []Ref) Pruner { return Pruner{want: grow(refs)} }

// Prune returns the part of a scope that the refs need, so that what they were
// taken from renders the same over it. A path that is missing stays missing.
// Values at the end of a ref are shared with scope, not copied.
func (p Pruner) Prune(scope Scope) Scope { return prune(scope, p.want) }

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

func prune(object map[string]any, want tree) map[string]any {
	kept := make(map[string]any, len(want))
	for name, below := range want {
		value, ok := object[name]
		if !ok {
			continue
		}
		if member, ok := value.(map[string]any); ok && below != nil {
			value = prune(member, below)
		}
		kept[name] = value
	}
	return kept
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
