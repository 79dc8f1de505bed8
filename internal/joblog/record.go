package joblog

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/fairlead/fairlead/internal/job"
)

// The levels of records, in order.
const (
	LevelDebug = "debug"
	LevelInfo  = "info"
	LevelWarn  = "warn"
	LevelError = "error"
)

var levels = []string{LevelDebug, LevelInfo, LevelWarn, LevelError}

// levelName is the name of a slog level; those in between count as the one below.
func levelName(level slog.Level) string {
	switch {
	case level >= slog.LevelError:
		return LevelError
	case level >= slog.LevelWarn:
		return LevelWarn
	case level >= slog.LevelInfo:
		return LevelInfo
	}
	return LevelDebug
}

// Record is one line of a step's log.
type Record struct {
	Time    time.Time `json:"ts"`
	Level   string    `json:"level"`
	Message string    `json:"msg"`
	Step    string    `json:"step"`
	// Item is the key of a foreach's item, "" outside of one.
	Item string `json:"item,omitempty"`
	// Attempt counts from 1.
	Attempt int `json:"attempt"`
	// Execution names one execution of the attempt: a UUIDv7, so that they sort by their beginning.
	Execution string `json:"execution"`
	// Seq counts an execution's records from 1, without gaps.
	Seq    int            `json:"seq"`
	Fields map[string]any `json:"fields,omitempty"`
}

// decodeRecord reads a line; numbers in Fields stay as exact as they are ([json.Number]).
func decodeRecord(line []byte) (Record, error) {
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.UseNumber()
	var record Record
	if err := decoder.Decode(&record); err != nil {
		return Record{}, err
	}
	return record, nil
}

// encodeRecord is one line, with its end.
func encodeRecord(record Record) ([]byte, error) {
	var line bytes.Buffer
	encoder := json.NewEncoder(&line)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(record)
	return line.Bytes(), err
}

// Filter chooses records; a zero field doesn't narrow.
type Filter struct {
	Step    string
	Item    string
	Attempt int
	// Level is the least one: warn gives warn and error.
	Level string
	// Query is a part of the message or of a field, in upper or lower case.
	Query string
	// After is where to go on: the position of the last record that was seen, in
	// this run and through this filter; "" begins at the beginning.
	After string
}

func (f Filter) check() error {
	if f.Level != "" && !slices.Contains(levels, f.Level) {
		return job.Errorf(job.CodeMalformed, "the level %q is none of %s", f.Level, strings.Join(levels, ", "))
	}
	return nil
}

// of returns those of the keys whose objects may hold what is asked for: of a
// thousand items' logs, one item's are read.
func (f Filter) of(keys []string) []string {
	if f.Item == "" {
		return keys
	}
	part := "/" + itemFolder(f.Item)
	return slices.DeleteFunc(keys, func(key string) bool { return !strings.Contains(key, part) })
}

// covers reports whether the record's execution is one of those asked for: all of its records are, or none.
func (f Filter) covers(record Record) bool {
	return (f.Step == "" || record.Step == f.Step) && (f.Item == "" || record.Item == f.Item) &&
		(f.Attempt == 0 || record.Attempt == f.Attempt)
}

// match reports whether a record of an execution that is covered was asked for.
func (f Filter) match(record Record) bool {
	if slices.Index(levels, record.Level) < slices.Index(levels, f.Level) {
		return false
	}
	return f.Query == "" || contains(record, strings.ToLower(f.Query))
}

// contains reports whether a record has the text, which is in lower case.
func contains(record Record, text string) bool {
	if strings.Contains(strings.ToLower(record.Message), text) {
		return true
	}
	if len(record.Fields) == 0 {
		return false
	}
	line, err := encodeRecord(Record{Fields: record.Fields})
	return err == nil && strings.Contains(strings.ToLower(string(line)), text)
}
