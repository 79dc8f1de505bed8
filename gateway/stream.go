package gateway

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// writeTimeout is how long a caller may take to accept a piece of a stream.
const writeTimeout = 30 * time.Second

// stream writes an answer piece by piece. The answer begins with the first of
// them: an error before it can still be a problem. It is safe for concurrent use.
type stream struct {
	mu      sync.Mutex
	w       http.ResponseWriter
	control *http.ResponseController
	kind    string
	begun   bool
}

func newStream(w http.ResponseWriter, contentType string) *stream {
	return &stream{w: w, control: http.NewResponseController(w), kind: contentType}
}

// write writes a piece; the caller may get it later.
func (s *stream) write(piece []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.control.SetWriteDeadline(time.Now().Add(writeTimeout)) // a test's recorder has none
	if !s.begun {
		s.begun = true
		s.w.Header().Set("Content-Type", s.kind)
		s.w.WriteHeader(http.StatusOK)
	}
	if _, err := s.w.Write(piece); err != nil {
		return fmt.Errorf("write to the caller: %w", err)
	}
	return nil
}

// flush sends what was written, the beginning of the answer at least.
func (s *stream) flush() error {
	if err := s.write(nil); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.control.Flush(); err != nil {
		return fmt.Errorf("write to the caller: %w", err)
	}
	return nil
}

// Write is write for an [io.Copy].
func (s *stream) Write(piece []byte) (int, error) {
	if err := s.write(piece); err != nil {
		return 0, err
	}
	return len(piece), nil
}

// hasBegun reports whether a part of the answer was written.
func (s *stream) hasBegun() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.begun
}

// event sends a server-sent event (https://html.spec.whatwg.org/multipage/server-sent-events.html);
// data has no line breaks, id may be "".
func (s *stream) event(name, id string, data []byte) error {
	var b bytes.Buffer
	if id != "" {
		fmt.Fprintf(&b, "id: %s\n", id)
	}
	fmt.Fprintf(&b, "event: %s\ndata: %s\n\n", name, data)
	if err := s.write(b.Bytes()); err != nil {
		return err
	}
	return s.flush()
}

// storedJSON answers with an object as it is kept, however large it is.
type storedJSON struct{ object io.ReadCloser }

// VisitGetRunOutputResponse writes the object, and closes it.
func (s storedJSON) VisitGetRunOutputResponse(w http.ResponseWriter) (err error) {
	defer func() { err = errors.Join(err, s.object.Close()) }()
	if _, err := io.Copy(newStream(w, jsonType), s.object); err != nil {
		return fmt.Errorf("send a stored output: %w", err)
	}
	return nil
}
