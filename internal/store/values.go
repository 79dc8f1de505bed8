package store

import (
	"encoding/json"
	"math"
	"strings"
	"time"

	"github.com/fairlead/fairlead/internal/job"
)

// This file turns the columns' values into the domain's and back. In the
// domain the zero value stands for "not there", in a column null does.

func encodeLabels(labels map[string]string) ([]byte, error) {
	if len(labels) == 0 {
		return []byte("{}"), nil
	}
	raw, err := json.Marshal(labels)
	return raw, failed("encode labels", err)
}

func decodeLabels(raw []byte) (map[string]string, error) {
	labels := map[string]string{}
	err := json.Unmarshal(raw, &labels)
	return labels, failed("decode labels", err)
}

func encodeFailure(failure *job.Failure) ([]byte, error) {
	if failure == nil {
		return nil, nil
	}
	raw, err := json.Marshal(failure)
	return raw, failed("encode a failure", err)
}

func decodeFailure(raw []byte) (*job.Failure, error) {
	if raw == nil {
		return nil, nil //nolint:nilnil // no failure is no error
	}
	failure := &job.Failure{}
	err := json.Unmarshal(raw, failure)
	return failure, failed("decode a failure", err)
}

// optional is nil for the zero value.
func optional[T comparable](value T) *T {
	var zero T
	if value == zero {
		return nil
	}
	return &value
}

// value is the zero value for nil.
func value[T any](pointer *T) T {
	if pointer == nil {
		var zero T
		return zero
	}
	return *pointer
}

// instant is UTC, and the zero time for nil.
func instant(t *time.Time) time.Time { return value(t).UTC() }

// optionalTime is nil for the zero time, whatever its location.
func optionalTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// notNil is empty for nil: a nil slice is null.
func notNil(raw []byte) []byte {
	if raw == nil {
		return []byte{}
	}
	return raw
}

// notEmpty is nil for empty: the column is null where there is no value.
func notEmpty(raw []byte) []byte {
	if len(raw) == 0 {
		return nil
	}
	return raw
}

func toInt32(n int) (int32, error) {
	if n < math.MinInt32 || n > math.MaxInt32 {
		return 0, job.Errorf(job.CodeMalformed, "%d is out of range", n)
	}
	return int32(n), nil
}

func toInt32s(numbers ...int) ([]int32, error) {
	converted := make([]int32, len(numbers))
	for i, n := range numbers {
		var err error
		if converted[i], err = toInt32(n); err != nil {
			return nil, err
		}
	}
	return converted, nil
}

// notNilSlice is empty for nil: a nil slice is null in JSON.
func notNilSlice[T any](items []T) []T {
	if items == nil {
		return []T{}
	}
	return items
}

// storable is text as Postgres takes it: UTF-8 without zero bytes.
func storable(text string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", "\uFFFD"), "\uFFFD")
}

// hasPoolSize reports whether a connection string, URL or keywords, sets the pool's size.
func hasPoolSize(url string) bool { return strings.Contains(url, "pool_max_conns") }

// texts are a column's values; nil for none.
func texts[T ~string](values []T) []string {
	var converted []string
	for _, value := range values {
		converted = append(converted, string(value))
	}
	return converted
}
