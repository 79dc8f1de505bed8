package job

import (
	"encoding/json"
	"strings"
	"sync"

	"github.com/fairlead/fairlead/internal/job/expr"
	"github.com/fairlead/fairlead/schema"
)

// action is the contract of schema/actions/<name>.json, compiled.
type action struct {
	name  string
	input *compiled
	// output is the type of what a step that uses it gives to expressions.
	output *expr.Type
}

// actions are all actions, compiled at the first use.
var actions = sync.OnceValues(func() (map[string]*action, error) {
	all := map[string]*action{}
	for name, raw := range schema.Actions() {
		var contract struct {
			Name   string          `json:"name"`
			Input  json.RawMessage `json:"input"`
			Output json.RawMessage `json:"output"`
		}
		if err := json.Unmarshal(raw, &contract); err != nil {
			return nil, Wrap(CodeInternal, err, "the contract of the action "+name+" can't be read")
		}
		input, err := compileSchema("https://fairlead.dev/schema/v1/actions/"+name+".json", contract.Input)
		if err != nil {
			return nil, Wrap(CodeInternal, err, "the contract of the action "+name+" can't be compiled")
		}
		all[name] = &action{name: name, input: input, output: expr.FromSchema(contract.Output)}
	}
	return all, nil
})

// ActionNames lists the actions of this build, sorted.
func ActionNames() []string {
	all, err := actions()
	if err != nil {
		return nil
	}
	return keysOf(all)
}

// declares reports whether an action takes an argument.
func (a *action) declares(key string) bool {
	object, _ := a.input.doc.(map[string]any)
	properties, _ := object["properties"].(map[string]any)
	_, ok := properties[key]
	return ok
}

// segment is the first part of an action's name.
func (a *action) segment() string {
	first, _, _ := strings.Cut(a.name, ".")
	return first
}

// CheckWith checks a step's rendered arguments against its action's contract
// and applies the contract's defaults. The error is CodeInvalidInput, with
// pointers into `with`. It says of which kind the values at fault are, never what
// they are: an expression may have put a credential there, or made one a key.
func CheckWith(uses string, with []byte) (json.RawMessage, error) {
	all, err := actions()
	if err != nil {
		return nil, err
	}
	found := all[uses]
	if found == nil {
		return nil, Errorf(CodeInvalidInput, "unknown action %q", shorten(uses))
	}
	return found.input.accept(with, "the step's `with`", acceptance{limit: maxWith, conceal: true})
}
