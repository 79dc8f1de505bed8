package httpcall

import (
	"bytes"
	"encoding/base64"
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

// minMasked is the shortest value that is masked: a shorter one would blot out ordinary words.
const minMasked = 4

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
	// shown is the URL as it may be told: no user, no query.
	shown string
	// secrets are the values that must never be told.
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
func parse(with json.RawMessage) (*input, error) {
	in := &input{Method: "GET", MaxBytes: defaultMaxBytes}
	decoder := json.NewDecoder(bytes.NewReader(with))
	decoder.UseNumber()
	if err := decoder.Decode(in); err != nil {
		return nil, failed("invalid_request", "with is not what the http action takes")
	}
	if err := in.parseURL(); err != nil {
		return nil, failed("invalid_request", err.Error())
	}
	in.collectSecrets()
	return in, nil
}

// parseURL also moves the URL's user into the basic auth.
func (in *input) parseURL() error {
	const want = "; it has to be an absolute one, such as https://host/path"
	u, err := url.Parse(strings.TrimSpace(in.URL))
	if err != nil {
		var parse *url.Error // its text holds the URL, and so any secret in it
		if errors.As(err, &parse) && !strings.Contains(parse.Err.Error(), "userinfo") {
			return errors.New("url can't be read: " + activities.OneLine(parse.Err.Error(), 100) + want)
		}
		return errors.New("url can't be read" + want)
	}
	switch {
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
	in.url, in.shown = u, show(u)
	return nil
}

// show is a URL without the parts that may hold a secret.
func show(u *url.URL) string {
	return u.Scheme + "://" + u.Host + u.EscapedPath()
}

func (in *input) collectSecrets() {
	add := func(values ...string) {
		for _, value := range values {
			if len(value) >= minMasked {
				in.secrets = append(in.secrets, value)
			}
		}
	}
	if in.Auth != nil {
		add(in.Auth.Bearer)
		if b := in.Auth.Basic; b != nil {
			add(base64.StdEncoding.EncodeToString([]byte(b.User+":"+b.Password)), b.Password)
		}
	}
	for name, value := range in.Headers {
		if sensitive(name) {
			text := scalar(value)
			add(text)
			if _, credential, ok := strings.Cut(text, " "); ok { // Authorization: <scheme> <credential>
				add(credential)
			}
		}
	}
	for name, values := range in.url.Query() {
		if sensitive(name) {
			add(values...)
		}
	}
	for name, value := range in.Query {
		if sensitive(name) {
			add(scalars(value)...)
		}
	}
	// Longest first, so that no secret is cut by a shorter one inside it.
	slices.SortFunc(in.secrets, func(a, b string) int { return len(b) - len(a) })
}

// hide replaces every secret in a text that comes from outside.
func (in *input) hide(text string) string {
	for _, secret := range in.secrets {
		text = strings.ReplaceAll(text, secret, "***")
	}
	return text
}

// sensitive reports whether a header or query parameter of that name usually holds a credential.
func sensitive(name string) bool {
	name = strings.ToLower(name)
	switch name {
	case "idempotency-key":
		return false
	case "sig":
		return true
	}
	return slices.ContainsFunc(
		[]string{"auth", "token", "key", "secret", "cookie", "password", "passwd", "signature", "credential", "session"},
		func(part string) bool { return strings.Contains(name, part) })
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
