package expr

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// What a value takes in memory beside its text, about. A result can share parts
// of itself many times over, so it can be far larger than the memory CEL took.
const (
	valueSize  = 16 // a scalar, or the head of a list
	slotSize   = 16 // an item of a list
	objectSize = 320
	memberSize = 64 // a member beyond the first few
	fewMembers = 8
)

// converter turns CEL values into the model of [Decode].
type converter struct{ budget *Budget }

// toNative converts a result: timestamps to RFC 3339, durations to seconds
// ("90s"), bytes to base64, and map keys to strings.
func toNative(v ref.Val, budget *Budget) (any, error) {
	c := converter{budget}
	return c.value(v)
}

func (c *converter) text(s string) (any, error) { return s, c.budget.spend(valueSize + textSize(s)) }

func (c *converter) value(v ref.Val) (any, error) {
	switch value := v.(type) {
	case types.String:
		return c.text(string(value))
	case types.Bytes:
		return c.text(base64.StdEncoding.EncodeToString(value))
	case types.Timestamp:
		return c.text(value.UTC().Format(time.RFC3339Nano))
	case types.Duration:
		return c.text(durationText(value))
	case *types.Optional:
		if !value.HasValue() {
			return nil, errors.New("there is no value: an optional is empty; end it with .orValue(…)")
		}
		return c.value(value.GetValue())
	case traits.Mapper:
		return c.object(value)
	case traits.Lister:
		return c.list(value)
	}
	if err := c.budget.spend(valueSize); err != nil {
		return nil, err
	}
	return scalar(v)
}

func scalar(v ref.Val) (any, error) {
	switch value := v.(type) {
	case types.Null:
		return nil, nil
	case types.Bool:
		return bool(value), nil
	case types.Int:
		return int64(value), nil
	case types.Uint:
		return fromUint(uint64(value)), nil
	case types.Double:
		if math.IsNaN(float64(value)) || math.IsInf(float64(value), 0) {
			return nil, fmt.Errorf("the result is %v, which is no JSON number", float64(value))
		}
		return integral(float64(value)), nil
	case *types.Err:
		return nil, value
	}
	return nil, fmt.Errorf("the result is %s, which is no JSON value", nounOf(v))
}

func (c *converter) object(m traits.Mapper) (any, error) {
	count, _ := m.Size().(types.Int)
	n := int(count)
	if err := c.budget.spend(objectSize + max(0, n-fewMembers)*memberSize); err != nil {
		return nil, err
	}
	object := make(map[string]any, n)
	for _, key := range sortedKeys(m) {
		name, err := keyName(key)
		if err != nil {
			return nil, err
		}
		if _, twice := object[name]; twice {
			return nil, fmt.Errorf("the result has the key %q twice", name)
		}
		if err := c.budget.spend(textSize(name)); err != nil {
			return nil, err
		}
		if object[name], err = c.value(m.Get(key)); err != nil {
			return nil, err
		}
	}
	return object, nil
}

func keyName(key ref.Val) (string, error) {
	switch k := key.(type) {
	case types.String:
		return string(k), nil
	case types.Int:
		return strconv.FormatInt(int64(k), 10), nil
	case types.Uint:
		return strconv.FormatUint(uint64(k), 10), nil
	case types.Bool:
		return strconv.FormatBool(bool(k)), nil
	}
	return "", fmt.Errorf("an object's key is a string, found %s", nounOf(key))
}

func (c *converter) list(l traits.Lister) (any, error) {
	count, _ := l.Size().(types.Int)
	n := int(count)
	if err := c.budget.spend(valueSize + n*slotSize); err != nil {
		return nil, err
	}
	list := make([]any, 0, n)
	for it := l.Iterator(); it.HasNext() == types.True; {
		item, err := c.value(it.Next())
		if err != nil {
			return nil, err
		}
		list = append(list, item)
	}
	return list, nil
}

func durationText(d types.Duration) string {
	text, _ := d.ConvertToType(types.StringType).(types.String)
	return string(text)
}

// display is a rendered value inside a longer string.
func display(value any) (string, error) {
	switch v := value.(type) {
	case nil:
		return "", errors.New("the result is null, which can't stand inside a longer string; write a default, such as x == null ? 'none' : x")
	case string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case float64:
		return decimal(v), nil
	}
	return encode(value)
}

// encode is the JSON of a value, keys sorted.
func encode(value any) (string, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return "", fmt.Errorf("no JSON: %w", err)
	}
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n"))), nil
}

// nounOf is how a message names a value's type.
func nounOf(v ref.Val) string { return noun(v.Type().TypeName()) }
