package step

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/job/expr"
)

// maxToken is the longest token that goes to a provider as it is: some take no more.
const maxToken = 128

// decodeScope reads the values that the step's expressions refer to.
func (a *attempt) decodeScope() error {
	values, err := expr.Decode(orEmpty(a.in.Scope))
	if err != nil {
		return err
	}
	scope, ok := values.(map[string]any)
	if !ok {
		return fmt.Errorf("the step's values are %T, not an object", values)
	}
	a.values = scope
	return nil
}

// with is what the step's expressions see, and one value more.
func (a *attempt) with(name string, value any) expr.Scope {
	scope := make(expr.Scope, len(a.values)+1)
	maps.Copy(scope, a.values)
	scope[name] = value
	return scope
}

// withCallbacks is what `with` sees. Who has a callback's URL may call it, so
// that it is kept out of the log and of failures.
func (a *attempt) withCallbacks() expr.Scope {
	if len(a.in.Callbacks) == 0 {
		return a.values
	}
	urls := make(map[string]any, len(a.in.Callbacks))
	for _, step := range a.in.Callbacks {
		url := a.Callback(a.in.Run, step, a.in.Item)
		token := url[strings.LastIndex(url, "/")+1:]
		a.log.Mask(token)
		a.secrets = append(a.secrets, token)
		urls[step] = url
	}
	return a.with("callbacks", urls)
}

// render evaluates a template and returns its value as JSON.
func (a *attempt) render(template json.RawMessage, scope expr.Scope) (json.RawMessage, error) {
	rendered, err := a.Expressions.Render(orEmpty(template), scope)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(rendered); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(out.Bytes()), nil
}

// settleToken replaces the effect token by the job's own.
func (a *attempt) settleToken() error {
	if a.in.TokenOf == "" {
		return nil
	}
	value, err := a.Expressions.RenderString(a.in.TokenOf, a.values)
	if err != nil {
		return refuse(string(job.CodeExpression), "`token` can't be evaluated: "+err.Error(), err)
	}
	text, ok := value.(string)
	if number, integer := value.(int64); integer {
		text, ok = strconv.FormatInt(number, 10), true
	}
	if !ok || text == "" {
		return refuse(string(job.CodeExpression), "`token` has to give a text that is not empty", nil)
	}
	a.in.Token = token(text)
	return nil
}

// token is a text as providers take it in a header: itself, or its hash when it
// is long or has other than visible ASCII characters.
func token(text string) string {
	odd := strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
	if len(text) <= maxToken && !odd {
		return text
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// orEmpty is JSON, or an empty object for nothing.
func orEmpty(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 || string(raw) == "null" {
		return json.RawMessage("{}")
	}
	return raw
}
