package httpcall

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/activities"
)

const (
	// minMasked is the shortest value that is masked: a shorter one would blot out ordinary words.
	minMasked = 4
	// minPathSecret is the same for a part of a path: ordinary IDs are no secrets.
	minPathSecret = 12
	// hidden stands for what isn't told of a URL.
	hidden = "…"
)

// urlTemplate is the URL in a `with` whose expressions aren't rendered; "" if there is none.
func urlTemplate(with json.RawMessage) string {
	var template struct {
		URL string `json:"url"`
	}
	if json.Unmarshal(with, &template) != nil {
		return ""
	}
	return strings.TrimSpace(template.URL)
}

// literal reports whether the URL stands in the job's file as it is. One that
// expressions made may hold a secret anywhere: the address of a webhook is one.
func (in *input) literal() bool {
	return in.template != "" && !strings.Contains(in.template, "${")
}

// show is the step's URL as it may be told: without user and query, and of the
// path only what is literal.
func (in *input) show() string {
	head, dynamic, tail := in.pathParts()
	if dynamic != "" {
		dynamic = hidden
	}
	return in.url.Scheme + "://" + in.url.Host + head + dynamic + tail
}

// pathParts cuts the URL's path into the literal text that it begins with,
// what expressions made of it, and the literal text at its end.
func (in *input) pathParts() (head, dynamic, tail string) {
	path := in.url.EscapedPath()
	if in.literal() {
		return path, "", ""
	}
	before, _, _ := strings.Cut(in.template, "${")
	// A URL that has its whole host before the first expression has the path's beginning there, too.
	if u, err := url.Parse(before); err == nil && u.Scheme == in.url.Scheme && u.Host == in.url.Host {
		head = u.EscapedPath()
		if strings.ContainsAny(before, "?#") {
			return path, "", ""
		}
	}
	dynamic, ok := strings.CutPrefix(path, head)
	if !ok {
		return "", path, ""
	}
	// No expression ends behind the last brace.
	tail = in.template[strings.LastIndexByte(in.template, '}')+1:]
	if query := strings.IndexAny(tail, "?#"); query >= 0 {
		tail = tail[:query]
	}
	if cut, ok := strings.CutSuffix(dynamic, tail); ok {
		return head, cut, tail
	}
	return head, dynamic, ""
}

// pathSecrets are what expressions made of the path, and the longer segments of that.
func (in *input) pathSecrets() []string {
	_, dynamic, _ := in.pathParts()
	var secrets []string
	for _, part := range append(strings.Split(dynamic, "/"), dynamic) {
		plain, err := url.PathUnescape(part)
		if err != nil || len(plain) < minPathSecret {
			continue
		}
		secrets = append(secrets, part, plain)
	}
	return secrets
}

// showNext is where a redirect leads, as it may be told. A server that is asked
// for a secret path repeats it there.
func (in *input) showNext(u *url.URL) string {
	path := u.EscapedPath()
	if path != "" && !in.literal() {
		path = "/" + hidden
	}
	return in.line(u.Scheme+"://"+u.Host+path, maxShown)
}

// collectSecrets gathers the values that have the place or the name of a credential.
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
			if b.Password == "" { // a key in the user's place
				add(b.User)
			}
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
	add(in.pathSecrets()...)
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

// line is the first line of a text from outside, its secrets hidden before it is cut.
func (in *input) line(text string, limit int) string {
	return activities.OneLine(in.hide(text), limit)
}

// queryNames are the names of a request's query parameters, in order: values
// stay untold, and so do names that an expression made.
func (in *input) queryNames(query url.Values) []string {
	names := []string{}
	for name := range query {
		if _, own := in.Query[name]; own || in.literal() || strings.Contains(in.template, name+"=") {
			names = append(names, in.hide(name))
		}
	}
	slices.Sort(names)
	return names
}

// sensitive reports whether a header or query parameter of that name usually holds a credential.
func sensitive(name string) bool {
	name = strings.ToLower(name)
	switch name {
	case "idempotency-key":
		return false
	case "sig", "code": // Azure's
		return true
	}
	return slices.ContainsFunc(
		[]string{"auth", "token", "key", "secret", "cookie", "password", "passwd", "signature", "credential", "session"},
		func(part string) bool { return strings.Contains(name, part) })
}
