package job

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// document is one document of a file and where it begins.
type document struct {
	source []byte
	// line is the 0-based line of the file on which source begins.
	line int
	// concealed: messages don't quote the document.
	concealed bool
}

// splitDocuments cuts a file at its document markers. A line that begins with
// `---` or `...` is a marker whatever surrounds it (YAML 1.2.2, section 9.1.3,
// c-forbidden), so lines are enough. Documents of nothing but space and
// comments are left out.
func splitDocuments(source []byte) ([]document, error) {
	if err := checkBytes(source); err != nil {
		return nil, err
	}
	source = bytes.TrimPrefix(source, []byte("\ufeff"))
	var documents []document
	begin, beginLine, line := 0, 0, 0
	flush := func(end int) {
		if part := source[begin:end]; !blank(part) {
			documents = append(documents, document{source: part, line: beginLine})
		}
	}
	for at := 0; at < len(source); line++ {
		next := at + lineLength(source[at:])
		if rest, marker := markerRest(source[at:next]); marker {
			flush(at)
			begin, beginLine = next, line+1
			if rest { // what follows the marker on its line belongs to the document
				begin, beginLine = at, line
			}
		}
		at = next
	}
	flush(len(source))
	if len(documents) == 0 {
		return nil, invalid([]Field{{Line: 1, Column: 1, Message: "the file holds no job; one begins with `apiVersion: " + APIVersion + "`"}})
	}
	if len(documents) > maxDocuments {
		at := documents[maxDocuments]
		return nil, invalid([]Field{{Line: at.line + 1, Column: 1, Message: "more than 100 documents in one file; publish the rest from another file"}})
	}
	return documents, nil
}

// checkBytes refuses what no YAML or JSON file may hold.
func checkBytes(source []byte) error {
	if len(source) > MaxSource {
		return Errorf(CodeTooLarge, "the file has %d bytes; at most %d (1 MiB) are allowed: split it, or move data out of it", len(source), MaxSource)
	}
	for at := 0; at < len(source); {
		r, size := utf8.DecodeRune(source[at:])
		bad := ""
		switch {
		case r == utf8.RuneError && size == 1:
			bad = "a byte that is not UTF-8; save the file as UTF-8"
		case r < ' ' && r != '\t' && r != '\n' && r != '\r', r == 0x7f:
			bad = "a control character; remove it, or write it as an escape in a double-quoted text"
		}
		if bad != "" {
			line, column := lineColumn(source, at)
			return invalid([]Field{{Line: line, Column: column, Message: bad}})
		}
		at += size
	}
	return nil
}

// lineLength is the length of the first line, its end included: LF, CR LF or CR.
func lineLength(source []byte) int {
	i := bytes.IndexAny(source, "\r\n")
	if i < 0 {
		return len(source)
	}
	if source[i] == '\r' && i+1 < len(source) && source[i+1] == '\n' {
		return i + 2
	}
	return i + 1
}

// markerRest reports whether a line is a document marker, and whether content follows on it.
func markerRest(line []byte) (rest, marker bool) {
	after, found := bytes.CutPrefix(line, []byte("---"))
	if !found {
		after, found = bytes.CutPrefix(line, []byte("..."))
	}
	if !found || (len(after) > 0 && !strings.ContainsRune(" \t\r\n", rune(after[0]))) {
		return false, false
	}
	return !blank(after), true
}

// blank reports whether a part of a file is only space and comments.
func blank(part []byte) bool {
	for len(part) > 0 {
		n := lineLength(part)
		line := bytes.TrimSpace(part[:n])
		if len(line) > 0 && line[0] != '#' {
			return false
		}
		part = part[n:]
	}
	return true
}

// lineColumn is the 1-based line and column, in characters, of a byte offset.
func lineColumn(source []byte, offset int) (line, column int) {
	line = 1
	begin := 0
	for at := 0; at < offset; {
		n := lineLength(source[at:])
		if at+n > offset {
			break
		}
		at += n
		if source[at-1] == '\n' || source[at-1] == '\r' {
			line++
			begin = at
		}
	}
	return line, utf8.RuneCount(source[begin:offset]) + 1
}

// lineStarts are the offsets at which the lines of a source begin.
func lineStarts(source []byte) []int {
	starts := []int{0}
	for at := lineLength(source); at < len(source); at += lineLength(source[at:]) {
		starts = append(starts, at)
	}
	return starts
}
