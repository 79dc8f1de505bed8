package joblog

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
)

// masked stands where a secret was.
const masked = "***"

// masker replaces secrets in text, also where they are escaped or encoded as
// URLs, JSON and basic auth do. The zero value masks nothing.
type masker struct {
	forms    []string // the longest first
	replacer *strings.Replacer
}

func (m *masker) add(secret string) {
	if secret == "" {
		return
	}
	for _, form := range []string{
		secret, url.QueryEscape(secret), url.PathEscape(secret), base64.StdEncoding.EncodeToString([]byte(secret)), inJSON(secret),
	} {
		if !slices.Contains(m.forms, form) {
			m.forms = append(m.forms, form)
		}
	}
	slices.SortStableFunc(m.forms, func(a, b string) int { return len(b) - len(a) })
	pairs := make([]string, 0, 2*len(m.forms))
	for _, form := range m.forms {
		pairs = append(pairs, form, masked)
	}
	m.replacer = strings.NewReplacer(pairs...)
}

// inJSON is the text as it stands between a JSON string's quotes.
func inJSON(text string) string {
	raw, err := json.Marshal(text)
	if err != nil {
		return text
	}
	return string(raw[1 : len(raw)-1])
}

func (m *masker) text(s string) string {
	if m.replacer == nil {
		return s
	}
	return m.replacer.Replace(s)
}

// fields turns attributes into JSON values, masked and shortened.
func (m *masker) fields(attrs []slog.Attr) map[string]any {
	if len(attrs) == 0 {
		return nil
	}
	fields := make(map[string]any, len(attrs))
	for _, attr := range attrs {
		switch value := attr.Value.Resolve(); {
		case attr.Key == "" && value.Kind() == slog.KindGroup: // an inlined group, as slog has it
			maps.Copy(fields, m.fields(value.Group()))
		default:
			fields[m.text(attr.Key)] = m.attr(value)
		}
	}
	return fields
}

func (m *masker) attr(value slog.Value) any {
	switch value.Kind() {
	case slog.KindGroup:
		return m.fields(value.Group())
	case slog.KindDuration:
		return value.Duration().String()
	case slog.KindTime:
		return value.Time().UTC().Format(time.RFC3339Nano)
	case slog.KindString:
		return m.short(value.String())
	case slog.KindAny, slog.KindBool, slog.KindFloat64, slog.KindInt64, slog.KindUint64, slog.KindLogValuer:
	}
	switch v := value.Any().(type) {
	case error:
		return m.short(v.Error())
	case []byte:
		return m.short(string(v))
	default:
		return m.plain(v)
	}
}

// plain turns any value into what JSON makes of it, so that no type hides a secret.
func (m *masker) plain(v any) any {
	raw, err := json.Marshal(v)
	if err != nil {
		return m.short(fmt.Sprint(v))
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var decoded any
	if err := decoder.Decode(&decoded); err != nil {
		return m.short(string(raw))
	}
	return m.tree(decoded)
}

func (m *masker) tree(v any) any {
	switch v := v.(type) {
	case string:
		return m.short(v)
	case json.Number:
		if text := m.text(v.String()); text != v.String() {
			return text
		}
	case []any:
		for i := range v {
			v[i] = m.tree(v[i])
		}
	case map[string]any:
		tree := make(map[string]any, len(v))
		for key, inner := range v {
			tree[m.text(key)] = m.tree(inner)
		}
		return tree
	}
	return v
}

// short masks, then cuts off what is too long: in this order no half of a secret is left.
func (m *masker) short(s string) string {
	s = m.text(s)
	if len(s) <= maxText {
		return s
	}
	return strings.ToValidUTF8(s[:maxText], "") + fmt.Sprintf("… (%d bytes more)", len(s)-maxText)
}
