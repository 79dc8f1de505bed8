package job

import (
	"container/list"
	"sync"
)

// recent keeps what was used last, within a number of entries and a size of
// them together; the one used last is kept whatever its size. It is safe to use
// from several goroutines.
type recent[K comparable, V any] struct {
	maxEntries, maxSize int

	mu     sync.Mutex
	byUse  *list.List // of *entry[K, V], the last used first
	lookup map[K]*list.Element
	size   int // of the entries that are kept
}

type entry[K comparable, V any] struct {
	key   K
	size  int
	value func() (V, error)
}

func newRecent[K comparable, V any](maxEntries, maxSize int) *recent[K, V] {
	return &recent[K, V]{maxEntries: maxEntries, maxSize: maxSize, byUse: list.New(), lookup: map[K]*list.Element{}}
}

// get returns what is kept under a key, made when it isn't there: callers at once
// wait for one making. An error is kept like a value, so that each of them gets the
// same: making has to give the same for a key each time.
func (r *recent[K, V]) get(key K, size int, making func() (V, error)) (V, error) {
	return r.entry(key, size, making).value()
}

func (r *recent[K, V]) entry(key K, size int, making func() (V, error)) *entry[K, V] {
	r.mu.Lock()
	defer r.mu.Unlock()
	if element, ok := r.lookup[key]; ok {
		r.byUse.MoveToFront(element)
		return element.Value.(*entry[K, V]) //nolint:forcetypeassert // holds nothing else
	}
	made := &entry[K, V]{key: key, size: size, value: sync.OnceValues(making)}
	r.lookup[key] = r.byUse.PushFront(made)
	r.size += size
	for r.byUse.Len() > 1 && (r.byUse.Len() > r.maxEntries || r.size > r.maxSize) {
		oldest := r.byUse.Remove(r.byUse.Back()).(*entry[K, V]) //nolint:forcetypeassert // holds nothing else
		delete(r.lookup, oldest.key)
		r.size -= oldest.size
	}
	return made
}
