package job

import "crypto/sha256"

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
	recent *recent[[sha256.Size]byte, *Program]
}

// NewPrograms returns programs of which none is open.
func NewPrograms() *Programs {
	return &Programs{recent: newRecent[[sha256.Size]byte, *Program](maxPrograms, maxSources)}
}

// Open is [Open]; callers at once wait for one opening.
func (p *Programs) Open(canonical []byte) (*Program, error) {
	return p.recent.get(sha256.Sum256(canonical), len(canonical), func() (*Program, error) { return Open(canonical) })
}
