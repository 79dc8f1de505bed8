package joblog

import (
	"bytes"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
)

// plainBytes is how much of a log is kept as it is. Most logs have less: they
// are compressed in one go at their end, and hold no compressor's memory (a
// megabyte) until then.
const plainBytes = 64 << 10

// body holds a log's lines, compressed once there are many.
type body struct {
	// zippers has compressors that have been used before: making one costs more than a log does.
	zippers *sync.Pool

	plain  bytes.Buffer
	zipped bytes.Buffer
	zip    *gzip.Writer // nil while the lines are plain
}

// add adds lines.
func (b *body) add(lines []byte) error {
	if b.zip != nil {
		_, err := b.zip.Write(lines)
		return err
	}
	b.plain.Write(lines)
	if b.plain.Len() < plainBytes {
		return nil
	}
	return b.compress()
}

// compress compresses what was added so far, and what will be.
func (b *body) compress() error {
	if used, ok := b.zippers.Get().(*gzip.Writer); ok {
		b.zip = used
		b.zip.Reset(&b.zipped)
	} else {
		b.zip = gzip.NewWriter(&b.zipped)
	}
	_, err := b.zip.Write(b.plain.Bytes())
	b.plain = bytes.Buffer{}
	return err
}

// seal ends the body and returns it, compressed; nothing may be added afterwards.
func (b *body) seal() ([]byte, error) {
	if b.zip == nil && b.plain.Len() > 0 {
		if err := b.compress(); err != nil {
			return nil, err
		}
	}
	if b.zip != nil {
		if err := b.zip.Close(); err != nil {
			return nil, err
		}
		b.zip.Reset(io.Discard)
		b.zippers.Put(b.zip)
		b.zip = nil
	}
	return b.zipped.Bytes(), nil
}
