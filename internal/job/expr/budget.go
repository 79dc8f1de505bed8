package expr

import "fmt"

// What the evaluations of one whole value may take together. Each of them is
// bounded by maxCost, too: the last one may begin with little left.
const (
	maxWork = 5 * maxCost
	maxSize = 48 << 20 // bytes of memory
)

// A Budget is what evaluations may take together: work, and memory for what they
// give. It is for one goroutine.
type Budget struct {
	work uint64
	size int
}

// NewBudget returns the budget of one value with all that is in it: of a step's
// arguments, or of the items of a foreach.
func NewBudget() *Budget { return &Budget{work: maxWork, size: maxSize} }

// begin refuses an evaluation for which no work is left.
func (b *Budget) begin() error {
	if b.work == 0 {
		return fmt.Errorf("the expressions of this value do too much work together, over %d steps; do less of it here, or move it into a step", maxWork)
	}
	return nil
}

// worked counts an evaluation.
func (b *Budget) worked(cost uint64) { b.work -= min(b.work, cost) }

// spend counts memory.
func (b *Budget) spend(bytes int) error {
	if bytes > b.size {
		return fmt.Errorf("the result is larger than %d MiB in memory, with the others of this value; give less, or pass the address of large data", maxSize>>20)
	}
	b.size -= bytes
	return nil
}

// textSize is the memory of a text and of the JSON that it is written as.
func textSize(s string) int {
	const escaped = len(`\u0000`)
	size := 2 * len(s)
	for i := range len(s) {
		if s[i] < ' ' {
			size += escaped - 1
		}
	}
	return size
}
