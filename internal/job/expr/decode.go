package expr

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// Decode reads one JSON value into the model that expressions work on:
// map[string]any, []any, string, bool, nil, and for numbers int64 when they are
// integral and fit it, exactly, else float64.
func Decode(raw []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, errors.New("no JSON value: the text is empty")
		}
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("not JSON: there is more text after the value")
	}
	return normalize(value)
}

// maxNesting is how deep the lists and objects of a value may nest: what holds a
// value nests it deeper, and JSON is read 10,000 deep at most.
const maxNesting = 1000

// normalize brings what a JSON or YAML decoder gives into the model of [Decode]. It copies maps and lists.
func normalize(value any) (any, error) { return normalizeIn(value, maxNesting) }

// normalizeIn is normalize of a value that may nest so deep.
func normalizeIn(value any, deep int) (any, error) {
	if deep == 0 {
		return nil, fmt.Errorf("its lists and objects nest more than %d deep", maxNesting)
	}
	switch v := value.(type) {
	case nil, bool, string, int64:
		return v, nil
	case map[string]any:
		object := make(map[string]any, len(v))
		for key, member := range v {
			var err error
			if object[key], err = normalizeIn(member, deep-1); err != nil {
				return nil, err
			}
		}
		return object, nil
	case []any:
		list := make([]any, len(v))
		for i, item := range v {
			var err error
			if list[i], err = normalizeIn(item, deep-1); err != nil {
				return nil, err
			}
		}
		return list, nil
	case json.Number:
		return parseNumber(string(v))
	}
	if number, ok := plainNumber(value); ok {
		return number, nil
	}
	return nil, fmt.Errorf("%T is no JSON value", value)
}

// plainNumber brings Go's number types into the model.
func plainNumber(value any) (any, bool) {
	switch v := value.(type) {
	case float64:
		return integral(v), true
	case float32:
		return integral(float64(v)), true
	case int:
		return int64(v), true
	case int32:
		return int64(v), true
	case uint64:
		return fromUint(v), true
	case uint32:
		return int64(v), true
	case uint:
		return fromUint(uint64(v)), true
	}
	return nil, false
}

func fromUint(v uint64) any {
	if v <= math.MaxInt64 {
		return int64(v)
	}
	return float64(v)
}

// exactFloat is the magnitude up to which every integer has a float64 of its own.
const exactFloat = 1 << 53

// integral is f as an int64 when it is one, else f.
func integral(f float64) any {
	if f == math.Trunc(f) && f >= math.MinInt64 && f < math.MaxInt64 {
		return int64(f)
	}
	return f
}

func parseNumber(text string) (any, error) {
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		return i, nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil, fmt.Errorf("the number %s is too large", text)
	}
	if math.Abs(f) >= exactFloat && math.Abs(f) <= math.MaxInt64 && strings.ContainsAny(text, ".eE") {
		if exact, ok := new(big.Rat).SetString(text); ok && exact.IsInt() && exact.Num().IsInt64() {
			return exact.Num().Int64(), nil
		}
	}
	return integral(f), nil
}
