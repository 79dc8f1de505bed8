package expr

import (
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// textPerUnit is how many bytes of text are one unit of work.
const textPerUnit = 10

// meter counts the work of going through values with all that they hold. Parts
// that a value holds many times count every time: what goes through it does so too.
type meter struct {
	left uint64
	over bool
}

// extent is the work of going through some values: one a value, and one for ten
// bytes of text. Over limit it is more than limit, and no more is known.
func extent(limit uint64, values ...ref.Val) uint64 {
	m := meter{left: limit}
	for _, v := range values {
		m.add(v)
	}
	if m.over {
		return limit + 1
	}
	return limit - m.left
}

func (m *meter) spend(units uint64) {
	if units > m.left {
		m.over = true
		return
	}
	m.left -= units
}

func (m *meter) add(v ref.Val) {
	m.spend(1)
	switch value := v.(type) {
	case types.String:
		m.spend(uint64(len(value)) / textPerUnit)
	case types.Bytes:
		m.spend(uint64(len(value)) / textPerUnit)
	case *types.Optional:
		if value.HasValue() {
			m.add(value.GetValue())
		}
	case traits.Mapper:
		for it := value.Iterator(); !m.over && it.HasNext() == types.True; {
			key := it.Next()
			m.add(key)
			m.add(value.Get(key))
		}
	case traits.Lister:
		for it := value.Iterator(); !m.over && it.HasNext() == types.True; {
			m.add(it.Next())
		}
	}
}

// textLen is the length in bytes of a string, 0 of anything else.
func textLen(v ref.Val) uint64 {
	s, _ := v.(types.String)
	return uint64(len(s))
}

// times is a product that doesn't overflow.
func times(a, b uint64) uint64 {
	const most = 1 << 62
	if a != 0 && b > most/a {
		return most
	}
	return a * b
}
