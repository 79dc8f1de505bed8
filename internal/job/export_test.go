package job

import "github.com/fairlead/fairlead/internal/job/expr"

// NewBlock makes a block of steps without a file around them.
var NewBlock = newBlock

// NewRecent keeps numbers by text.
var NewRecent = newRecent[string, int]

// Get is get.
func (r *recent[K, V]) Get(key K, size int, making func() (V, error)) (V, error) {
	return r.get(key, size, making)
}

// Condition is what a condition compiles to.
func (l *Late) Condition(source string) (*expr.Expression, error) {
	code, err := l.compiled(lateText{want: lateCondition, text: source})
	return code.condition, err
}
