package gateway

import (
	"container/list"
	"sync"

	"github.com/fairlead/fairlead/internal/job"
)

// maxPrograms is how many opened definitions are kept; one has some 100 KiB.
const maxPrograms = 256

// programs keeps the definitions that were opened last, by their digest.
type programs struct {
	mu     sync.Mutex
	byUse  *list.List // of *program, the last used first
	lookup map[string]*list.Element
}

type program struct {
	digest string
	open   func() (*job.Program, error)
}

func newPrograms() *programs {
	return &programs{byUse: list.New(), lookup: map[string]*list.Element{}}
}

// get returns the opened definition with this digest; callers at once wait for one opening.
func (p *programs) get(digest string, canonical []byte) (*job.Program, error) {
	opened, err := p.entry(digest, canonical).open()
	if err != nil {
		// It was checked when it was published: that it can't be opened now is no caller's fault.
		return nil, job.Wrap(job.CodeInternal, err, "a published definition can't be opened")
	}
	return opened, nil
}

func (p *programs) entry(digest string, canonical []byte) *program {
	p.mu.Lock()
	defer p.mu.Unlock()
	if element, ok := p.lookup[digest]; ok {
		p.byUse.MoveToFront(element)
		return element.Value.(*program) //nolint:forcetypeassert // holds nothing else
	}
	entry := &program{digest: digest, open: sync.OnceValues(func() (*job.Program, error) { return job.Open(canonical) })}
	p.lookup[digest] = p.byUse.PushFront(entry)
	if p.byUse.Len() > maxPrograms {
		oldest := p.byUse.Remove(p.byUse.Back()).(*program) //nolint:forcetypeassert // holds nothing else
		delete(p.lookup, oldest.digest)
	}
	return entry
}
