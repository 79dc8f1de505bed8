package devstack

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// maxOutbox bounds what the outbox shows; the file keeps all.
const maxOutbox = 10_000

// OutboxItem is one message that was sent.
type OutboxItem struct {
	// ID is the identifier the provider answered with.
	ID string `json:"id"`
	// Channel is how it went out: email.
	Channel string `json:"channel"`
	// To are the recipients, separated by ", ".
	To      string `json:"to"`
	Subject string `json:"subject"`
	Text    string `json:"text"`
	// Payload is the request as it came over the wire.
	Payload json.RawMessage `json:"payload"`
	At      time.Time       `json:"at"`
}

// outbox keeps what was sent, in memory and in a file that a restart reads again.
type outbox struct {
	path string

	mu    sync.RWMutex
	items []OutboxItem // oldest first
	file  *os.File
	size  int64 // bytes of whole lines in the file
}

func newOutbox(dir string) *outbox { return &outbox{path: filepath.Join(dir, "outbox.ndjson")} }

// open reads what was kept. A last line that a crash cut short is dropped: its sender never
// had an answer.
func (o *outbox) open() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	raw, err := os.ReadFile(o.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("outbox: %w", err)
	}
	whole := bytes.LastIndexByte(raw, '\n') + 1
	o.items = nil
	for line := range bytes.Lines(raw[:whole]) {
		var item OutboxItem
		if err := json.Unmarshal(line, &item); err != nil {
			return fmt.Errorf("outbox: line %d of %s is not JSON: put it right, or move the file away: %w", len(o.items)+1, o.path, err)
		}
		o.items = append(o.items, item)
	}
	o.trim()
	o.file, err = os.OpenFile(o.path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("outbox: %w", err)
	}
	o.size = int64(whole)
	if err := o.file.Truncate(o.size); err != nil {
		return fmt.Errorf("outbox: %w", err)
	}
	return nil
}

func (o *outbox) close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.file == nil {
		return nil
	}
	err := o.file.Close()
	o.file = nil
	return err
}

// add keeps an item, on disk before it returns.
func (o *outbox) add(item OutboxItem) error {
	line, err := json.Marshal(item)
	if err != nil {
		return fmt.Errorf("outbox: %w", err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.file == nil {
		return errors.New("outbox: it is stopped")
	}
	if err := o.write(append(line, '\n')); err != nil {
		return fmt.Errorf("outbox: %w", err)
	}
	o.items = append(o.items, item)
	o.trim()
	return nil
}

// write appends a line. When that fails, as on a full disk, what was written of it is taken
// back: its sender is told that it wasn't taken, and the next line must not continue it.
func (o *outbox) write(line []byte) error {
	if err := o.file.Truncate(o.size); err != nil { // taking back failed the last time
		return err
	}
	_, err := o.file.WriteAt(line, o.size)
	if err := errors.Join(err, o.file.Sync()); err != nil {
		return errors.Join(err, o.file.Truncate(o.size))
	}
	o.size += int64(len(line))
	return nil
}

func (o *outbox) trim() {
	if len(o.items) > maxOutbox {
		o.items = slices.Clone(o.items[len(o.items)-maxOutbox:])
	}
}

// newest returns the items, newest first; never nil.
func (o *outbox) newest() []OutboxItem {
	o.mu.RLock()
	defer o.mu.RUnlock()
	items := append([]OutboxItem{}, o.items...)
	slices.Reverse(items)
	return items
}

// outboxPart is the outbox and the server that fills and shows it.
type outboxPart struct {
	*httpPart
	box *outbox
}

func (p outboxPart) Start(ctx context.Context) error {
	if err := p.box.close(); err != nil {
		return err
	}
	if err := p.box.open(); err != nil {
		return err
	}
	return p.httpPart.Start(ctx)
}

func (p outboxPart) Stop(ctx context.Context) error {
	return errors.Join(p.httpPart.Stop(ctx), p.box.close())
}
