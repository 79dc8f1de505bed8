package expr

import (
	"cmp"
	"slices"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// orderedMap is a map that iterates in the order of its keys. CEL's own order is Go's: random.
type orderedMap struct{ traits.Mapper }

// inOrder gives a map a fixed order of iteration; any other value is returned as it is.
func inOrder(v ref.Val) ref.Val {
	if mapper, ok := v.(traits.Mapper); ok {
		return orderedMap{mapper}
	}
	return v
}

// Iterator yields the keys: false, true, numbers, then strings.
func (m orderedMap) Iterator() traits.Iterator {
	return types.NewRefValList(types.DefaultTypeAdapter, sortedKeys(m.Mapper)).Iterator()
}

func sortedKeys(m traits.Mapper) []ref.Val {
	keys := make([]ref.Val, 0, int(m.Size().(types.Int)))
	for it := m.Iterator(); it.HasNext() == types.True; {
		keys = append(keys, it.Next())
	}
	slices.SortFunc(keys, compareKeys)
	return keys
}

func compareKeys(a, b ref.Val) int {
	if byKind := cmp.Compare(keyKind(a), keyKind(b)); byKind != 0 {
		return byKind
	}
	return compare(a, b)
}

func keyKind(v ref.Val) int {
	switch v.(type) {
	case types.Bool:
		return 0
	case types.Int, types.Uint, types.Double:
		return 1
	case types.String:
		return 2
	}
	return 3
}

// length is the number of items of a list or map.
func length(v ref.Val) (uint64, bool) {
	sizer, ok := v.(traits.Sizer)
	if !ok {
		return 0, false
	}
	n, ok := sizer.Size().(types.Int)
	return uint64(max(n, 0)), ok
}
