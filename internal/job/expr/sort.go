package expr

import (
	"slices"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// sorting is the work of sort() and sortBy(): their keys compared many times over.
func sorting(args []ref.Val) uint64 {
	const compares = 10
	return times(extent(maxCost, args[len(args)-1]), compares)
}

// inSorting sorts a list by its items, or by the keys of another list. Equal ones
// keep their order. CEL's own takes no integers beside doubles; numbers of JSON are both.
func inSorting(args ...ref.Val) ref.Val {
	list := items(args[0].(traits.Lister))
	keys := items(args[len(args)-1].(traits.Lister))
	order := make([]int, len(list))
	for i, key := range keys {
		order[i] = i
		alike := key.Type() == keys[0].Type() || isNumber(key) && isNumber(keys[0])
		if !alike || !sortable(key) {
			return types.NewErr("sorting takes values of one type that has an order, found %s and %s", nounOf(keys[0]), nounOf(key))
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return compare(keys[a], keys[b]) })
	ordered := make([]ref.Val, len(list))
	for to, from := range order {
		ordered[to] = list[from]
	}
	return types.NewRefValList(types.DefaultTypeAdapter, ordered)
}

// sortable reports whether a value has an order: NaN has none.
func sortable(v ref.Val) bool {
	comparer, ok := v.(traits.Comparer)
	if !ok {
		return false
	}
	_, ok = comparer.Compare(v).(types.Int)
	return ok
}

// compare is the order of two values, 0 when they have none.
func compare(a, b ref.Val) int {
	comparer, ok := a.(traits.Comparer)
	if !ok {
		return 0
	}
	order, _ := comparer.Compare(b).(types.Int)
	return int(order)
}
