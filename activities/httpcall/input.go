package httpcall

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/activities"
)

// defaultMaxBytes is the bound of an answer when the step gives none (schema/actions/http.json).
const defaultMaxBytes = 1 << 20

// input is a step's `with`, as schema/actions/http.json has it, and what follows from it.
type input struct {
	Method   string          `json:"method"`
	URL      string          `json:"url"`
	Headers  map[string]any  `json:"headers"`
	Query    map[string]any  `json:"query"`
	JSON     json.RawMessage `json:"json"`
	Text     *string         `json:"text"`
	Auth     *auth           `json:"auth"`
	MaxBytes int64           `json:"maxBytes"`

	url *url.URL
	// template is the URL as the job's file has it, "" if that isn't known.
	template string
	// shown is the URL as it may be told.
	shown string
	// secrets are the values that must never be told, the longest first.
	secrets []string
}

type auth struct {
	Bearer string `json:"bearer"`
	Basic  *basic `json:"basic"`
}

type basic struct {
	User     string `json:"user"`
	Password string `json:"password"`
}

// parse reads a checked `with`; its failure is invalid_request.
func parse(with, template json.RawMessage) (*input, error) {
	in := &input{Method: "GET", MaxBytes: defaultMaxBytes, template: urlTemplate(template)}
	decoder := json.NewDecoder(bytes.NewReader(with))
	decoder.UseNumber()
	if err := decoder.Decode(in); err != nil {
		return nil, failed("invalid_request", "with is not what the http action takes")
	}
	if err := in.parseURL(); err != nil {
		return nil, failed("invalid_request", err.Error())
	}
	in.collectSecrets()
	in.shown = in.line(in.show(), maxShown)
	return in, nil
}

// parseURL also moves the URL's user into the basic auth.
func (in *input) parseURL() error {
	const want = "; it has to be an absolute one, such as https://host/path"
	u, err := url.Parse(strings.TrimSpace(in.URL))
	if err != nil {
		var parse *url.Error // its text holds the URL, its cause's a part of it, and so any secret in it
		if errors.As(err, &parse) && in.literal() && !strings.Contains(parse.Err.Error(), "userinfo") {
			return errors.New("url can't be read: " + activities.OneLine(parse.Err.Error(), 100) + want)
		}
		return errors.New("url can't be read" + want)
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https" && !in.literal():
		return errors.New("url has another scheme than http and https" + want)
	case u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("url has the scheme %q%s", u.Scheme, want)
	case u.Hostname() == "":
		return errors.New("url has no host" + want)
	}
	if u.User != nil {
		if in.Auth != nil {
			return errors.New("url has a user and there is auth too; keep one of them")
		}
		password, _ := u.User.Password()
		in.Auth = &auth{Basic: &basic{User: u.User.Username(), Password: password}}
		u.User = nil
	}
	in.url = u
	return nil
}

// scalar is a header's or parameter's value as text.
func scalar(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	default:
		return fmt.Sprint(v)
	}
}

// scalars are a query parameter's values: of a list, each of its own.
func scalars(value any) []string {
	list, ok := value.([]any)
	if !ok {
		return []string{scalar(value)}
	}
	texts := make([]string, len(list))
	for i, item := range list {
		texts[i] = scalar(item)
	}
	return texts
}

func sortedKeys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }
