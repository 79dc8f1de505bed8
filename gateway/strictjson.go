package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/fairlead/fairlead/gateway/contract"
	"github.com/fairlead/fairlead/internal/job"
)

// maxNesting is how deep lists and objects of a body may nest.
const maxNesting = 100

// checkJSON checks a body: that it is one JSON value, without keys twice and
// without zero bytes, and what the REST document says of it.
func checkJSON(raw []byte, operation *contract.Operation) error {
	value, fields, err := decodeStrictly(raw)
	if err != nil {
		return err
	}
	if len(fields) > 0 {
		return &job.Error{Code: job.CodeMalformed, Message: summary("the body", fields), Fields: fields}
	}
	if fields := operation.CheckBody(value); len(fields) > 0 {
		return &job.Error{Code: job.CodeInvalidInput, Message: summary("the body", fields), Fields: fields}
	}
	return nil
}

// decodeStrictly decodes one JSON value with its numbers as [json.Number], and
// returns what no body may have. CodeMalformed: it isn't JSON.
func decodeStrictly(raw []byte) (any, []job.Field, error) {
	if !utf8.Valid(raw) {
		return nil, nil, job.Errorf(job.CodeMalformed, "the body isn't UTF-8")
	}
	d := strictDecoder{decoder: json.NewDecoder(bytes.NewReader(raw))}
	d.decoder.UseNumber()
	value, err := d.value()
	if err == nil {
		if _, extra := d.decoder.Token(); !errors.Is(extra, io.EOF) {
			err = errors.New("there is more behind its end")
		}
	}
	if err != nil {
		return nil, nil, notJSON(raw, d.decoder.InputOffset(), err)
	}
	return value, d.fields, nil
}

// notJSON says where the body stops being JSON.
func notJSON(raw []byte, offset int64, err error) error {
	if syntax := new(json.SyntaxError); errors.As(err, &syntax) {
		offset = syntax.Offset
	}
	read := raw[:min(int(offset), len(raw))]
	line := bytes.Count(read, []byte("\n")) + 1
	column := utf8.RuneCount(read[bytes.LastIndexByte(read, '\n')+1:])
	found := err.Error()
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		found = "it ends too early"
	}
	return &job.Error{
		Code: job.CodeMalformed, Message: fmt.Sprintf("the body isn't JSON: line %d, column %d: %s", line, max(1, column), found),
		Fields: []job.Field{{Line: line, Column: max(1, column), Message: found}},
	}
}

// strictDecoder decodes token by token, to see what encoding/json lets pass.
type strictDecoder struct {
	decoder *json.Decoder
	path    []string // of the value at hand
	fields  []job.Field
}

// fail notes a problem with the value at hand.
func (d *strictDecoder) fail(message string) {
	if len(d.fields) < contract.MaxProblems {
		d.fields = append(d.fields, job.Field{Pointer: contract.Pointer(d.path...), Message: message})
	}
}

// inside decodes the value under a key or index of the value at hand.
func (d *strictDecoder) inside(segment string) (any, error) {
	d.path = append(d.path, segment)
	value, err := d.value()
	d.path = d.path[:len(d.path)-1]
	return value, err
}

func (d *strictDecoder) value() (any, error) {
	token, err := d.decoder.Token()
	if err != nil {
		return nil, err
	}
	switch token := token.(type) {
	case string:
		d.text(token)
		return token, nil
	case json.Delim:
		if len(d.path) >= maxNesting {
			return nil, fmt.Errorf("it nests more than %d deep", maxNesting)
		}
		if token == '[' {
			return d.list()
		}
		return d.object()
	}
	return token, nil
}

func (d *strictDecoder) list() (any, error) {
	items := []any{}
	for d.decoder.More() {
		item, err := d.inside(strconv.Itoa(len(items)))
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	_, err := d.decoder.Token()
	return items, err
}

func (d *strictDecoder) object() (any, error) {
	object := map[string]any{}
	for d.decoder.More() {
		token, err := d.decoder.Token()
		if err != nil {
			return nil, err
		}
		key, _ := token.(string)
		d.text(key)
		if _, twice := object[key]; twice {
			d.fail(fmt.Sprintf("the key `%s` is here twice; keep one", contract.Shorten(key)))
		}
		if object[key], err = d.inside(key); err != nil {
			return nil, err
		}
	}
	_, err := d.decoder.Token()
	return object, err
}

// text notes a string that can't be kept.
func (d *strictDecoder) text(text string) {
	if strings.ContainsRune(text, 0) {
		d.fail("a text here has a zero byte (\\u0000), which can't be kept; leave it out")
	}
}
