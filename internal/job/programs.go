package job

import (
	"container/list"
	"crypto/sha256"
	"sync"
)

// What is kept open: a program has some 100 KiB, and with all its expressions
// compiled 15 KiB for each step, 150 times the length of its definition.
const (
	maxPrograms = 256
	maxSources  = 1 << 20 // bytes of their definitions together
)

// Programs keeps the programs that were opened last, so that a definition is
// read, and its expressions are compiled, once for all its runs. It is safe to
// use from several goroutines, and from workflows: it changes how long an
// answer takes, never the answer.
type Programs struct {
	mu     sync.Mutex
	byUse  *list.List // of *opened, the last used first
	lookup map[[sha256.Size]byte]*list.Element
	size   int // of the definitions that are kept
}

type opened struct {
	sum  [sha256.Size]byte
	size int
	open func() (*Program, error)
}

// NewPrograms returns programs of which none is open.
func NewPrograms() *Programs {
	return &Programs{byUse: list.New(), lookup: map[[sha256.Size]byte]*list.Element{}}
}

// Open is [Open]; callers at once wait for one opening.
func (p *Programs) Open(canonical []byte) (*Program, error) {
	return p.entry(sha256.Sum256(canonical), canonical).open()
}

func (p *Programs) entry(sum [sha256.Size]byte, canonical []byte) *opened {
	p.mu.Lock()
	defer p.mu.Unlock()
	if element, ok := p.lookup[sum]; ok {
		p.byUse.MoveToFront(element)
		return element.Value.(*opened) //nolint:forcetypeassert // holds nothing else
	}
	entry := &opened{sum: sum, size: len(canonical), open: sync.OnceValues(func() (*Program, error) { return Open(canonical) })}
	p.lookup[sum] = p.byUse.PushFront(entry)
	p.size += entry.size
	for p.byUse.Len() > 1 && (p.byUse.Len() > maxPrograms || p.size > maxSources) {
		oldest := p.byUse.Remove(p.byUse.Back()).(*opened) //nolint:forcetypeassert // holds nothing else
		delete(p.lookup, oldest.sum)
		p.size -= oldest.size
	}
	return entry
}
