package expr

import (
	"slices"
	"strings"
	"sync"

	"cel.dev/cel-go/common/operators"
)

// library is what functions there are, for messages.
type library struct {
	names  []string            // as they are called, sorted: "sha256", "math.abs"
	spaces map[string]bool     // "math", "sets"
	takes  map[string][]string // a function's parameters, one entry an overload
}

// catalog describes the functions of base.
var catalog = sync.OnceValues(func() (library, error) {
	environment, err := base()
	if err != nil {
		return library{}, err
	}
	lib := library{spaces: map[string]bool{}, takes: map[string][]string{}}
	for name, function := range environment.Functions() {
		for _, overload := range function.OverloadDecls() {
			var args []string
			for _, arg := range overload.ArgTypes() {
				args = append(args, noun(arg.String()))
			}
			takes := strings.Join(args, ", ")
			if !slices.Contains(lib.takes[name], takes) {
				lib.takes[name] = append(lib.takes[name], takes)
			}
		}
		if strings.ContainsAny(name, "@_!") || name == operators.OldIn { // an operator, or an internal of a library
			continue
		}
		lib.names = append(lib.names, name)
		if space, _, ok := strings.Cut(name, "."); ok {
			lib.spaces[space] = true
		}
	}
	for _, macro := range environment.Macros() {
		name := macro.Function()
		if name == "greatest" || name == "least" { // they tell their namespace to nobody
			name = "math." + name
		}
		lib.names = append(lib.names, name)
	}
	slices.Sort(lib.names)
	lib.names = slices.Compact(lib.names)
	return lib, nil
})

// accepts is "it takes (a, b) or (c)", for a function that takes few enough things to be listed.
func (l library) accepts(function string) string {
	const most = 6
	takes := l.takes[function]
	if len(takes) == 0 || len(takes) > most {
		return "it takes other types"
	}
	return "it takes (" + strings.Join(takes, ") or (") + ")"
}
