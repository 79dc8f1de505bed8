package job

import (
	"maps"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/internal/job/expr"
)

// scoping compiles a job's expressions, each with what it may see.
type scoping struct {
	main  *level
	sites []*site
	ids   map[string]*site
	// items are the first steps that have a name for their items, by that name.
	items   map[string]*site
	input   *expr.Type
	actions map[string]*action
	vars    []string
	// done has what was compiled, by the value: an output's type is needed by
	// the expressions that name the step as well.
	done map[*node]*compilation
}

// compilation is what came of compiling a value; the zero value is that of one
// that is being compiled.
type compilation struct {
	typ  *expr.Type
	refs []expr.Ref
	// problems are by the pointer of the text inside the value.
	problems map[string][]expr.Problem
}

// newScoping returns the scoping of a job whose needs are resolved.
func (c *checker) newScoping() (*scoping, error) {
	all, err := actions()
	if err != nil {
		return nil, err
	}
	if _, err := expr.NewEnv(expr.Types{}); err != nil {
		return nil, err
	}
	input := c.def.Input
	if input == nil {
		input = []byte(noInput)
	}
	items := map[string]*site{}
	for _, at := range c.sites {
		if f := at.step.Foreach; f != nil && items[f.As] == nil {
			items[f.As] = at
		}
	}
	return &scoping{
		items: items, main: c.main, sites: c.sites, ids: c.ids, input: expr.FromSchema(input), actions: all,
		vars: c.team.Variables, done: map[*node]*compilation{},
	}, nil
}

// compiled compiles a value, once: a text of which one expression is wanted,
// or, with [expr.WantAny], any value.
func (s *scoping) compiled(n *node, v view, want expr.Want) *compilation {
	if found, ok := s.done[n]; ok {
		return found // itself, where steps wait for each other: then of any type
	}
	result := &compilation{}
	s.done[n] = result
	texts := expressionTexts(n, nil)
	// The problems of a faulty value are found with every name at hand, for the suggestions.
	for _, all := range []bool{false, true} {
		env, err := s.env(v, texts, all)
		if err != nil {
			result.problems = map[string][]expr.Problem{"": {{Message: err.Error()}}}
			return result
		}
		if *result = compileIn(env, n, want); result.problems == nil || !names(texts, rootSteps) {
			return result
		}
	}
	return result
}

// names reports whether a name stands in one of some texts.
func names(texts []string, name string) bool {
	return slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(text, name) })
}

// compileIn compiles a value in an environment.
func compileIn(env *expr.Env, n *node, want expr.Want) compilation {
	if want != expr.WantAny && n.kind == kindString {
		compiled, problems := env.Single(n.text, want)
		if len(problems) > 0 {
			return compilation{problems: map[string][]expr.Problem{"": problems}}
		}
		return compilation{typ: compiled.Type(), refs: compiled.Refs()}
	}
	compiled, problems := env.Template(n.value())
	if len(problems) > 0 {
		return compilation{problems: problems}
	}
	return compilation{typ: compiled.Type(), refs: compiled.Refs()}
}

// env is the environment of a view. texts are what it will compile: unless all
// are asked for, steps that none of them mentions are left out, since a long
// chain's steps see all those before them.
func (s *scoping) env(v view, texts []string, all bool) (*expr.Env, error) {
	types := expr.Types{
		Input: s.input, Steps: map[string]expr.Step{}, Apart: map[string]string{}, Vars: s.vars,
		Callbacks: v.callbacks, Ending: v.ending, Roots: v.roots,
		Absent: s.absent(v, texts),
	}
	for _, at := range s.candidates(texts, all) {
		id := at.step.ID
		if slices.Contains(v.steps, at) {
			types.Steps[id] = s.seen(at, v)
		} else if reason := v.apart(at); reason != "" {
			types.Apart[id] = reason
		} else {
			types.Others = append(types.Others, id)
		}
	}
	return expr.NewEnv(types)
}

// candidates are the steps that texts may name, or all, each with an ID of its own.
func (s *scoping) candidates(texts []string, all bool) []*site {
	var found []*site
	if all {
		for _, at := range s.sites {
			if s.ids[at.step.ID] == at {
				found = append(found, at)
			}
		}
		return found
	}
	seen := map[string]bool{}
	for _, text := range texts {
		for _, name := range word.FindAllString(text, -1) {
			if at := s.ids[name]; at != nil && !seen[name] {
				seen[name] = true
				found = append(found, at)
			}
		}
	}
	return found
}

// absent says of the items of other steps, which an expression may name by
// mistake, where they are seen.
func (s *scoping) absent(v view, texts []string) map[string]string {
	absent := maps.Clone(v.absent)
	for _, text := range texts {
		for _, name := range word.FindAllString(text, -1) {
			at := s.items[name]
			if _, here := v.roots[name]; at == nil || here {
				continue
			}
			if absent == nil {
				absent = map[string]string{}
			}
			absent[name] = "it is the item of step `" + at.step.ID + "`, and is seen only inside of it"
			if at == v.self {
				absent[name] = "it is an item of this step's `foreach`, and `if` and `in` are evaluated once, before there are items; to leave some out, filter the list in `in`"
			}
		}
	}
	return absent
}
