package job

import (
	"slices"
	"strconv"
	"strings"

	"github.com/fairlead/fairlead/internal/job/expr"
)

// checkCall compiles the arguments of a call, and compares what is known of the
// expressions' results with what the action takes. It returns what they refer to.
func (c *checker) checkCall(scopes *scoping, uses string, w *written, v view) []expr.Ref {
	found := scopes.actions[uses]
	result := c.checkExpression(scopes, w, expr.WantAny, v)
	if result == nil || found == nil {
		return nil
	}
	f := fitting{c: c, w: w, action: found, scopes: scopes, view: v}
	root, _ := found.input.doc.(map[string]any)
	f.compare(w.node, result.typ, root, nil)
	return result.refs
}

// fitting compares the arguments of one call with its action's contract.
type fitting struct {
	c      *checker
	w      *written
	action *action
	// scopes and view are what the call's expressions see.
	scopes *scoping
	view   view
}

// compare refuses a part of the arguments that is one expression whose result can't be of the declared type.
func (f *fitting) compare(n *node, typ *expr.Type, declared map[string]any, path []string) {
	if f.c.full() || len(declared) == 0 {
		return
	}
	if ref, ok := declared["$ref"].(string); ok {
		target, _ := expr.Resolve(f.action.input.doc, ref).(map[string]any)
		f.compare(n, typ, target, path)
		return
	}
	switch n.kind {
	case kindString:
		if soleExpression(n.text) {
			if message := f.misfit(n.text, typ, declared); message != "" {
				f.c.add(f.w.inside(path), message)
			}
		}
	case kindMap:
		properties, _ := declared["properties"].(map[string]any)
		for _, member := range n.fields {
			schema, ok := properties[member.key].(map[string]any)
			if !ok {
				schema, _ = declared["additionalProperties"].(map[string]any)
			}
			f.compare(member.value, typ.Property(member.key), schema, join(path, member.key))
		}
	case kindList:
		items := f.items(declared)
		for i, item := range n.items {
			if items != nil && len(expressionTexts(item, nil)) > 0 {
				// Of a list's items no more is known than of all of them together.
				f.compare(item, f.scopes.compiled(item, f.view, expr.WantAny).typ, items, join(path, strconv.Itoa(i)))
			}
		}
	case kindNull, kindBool, kindNumber:
	}
}

// items is the schema of a list's items; nil for none.
func (f *fitting) items(declared map[string]any) map[string]any {
	items, _ := declared["items"].(map[string]any)
	if ref, ok := items["$ref"].(string); ok {
		items, _ = expr.Resolve(f.action.input.doc, ref).(map[string]any)
	}
	return items
}

// misfit says that an expression's result, or the items of the list that it is,
// can't be of the declared types; "" when they may be.
func (f *fitting) misfit(text string, typ *expr.Type, declared map[string]any) string {
	if message := misfit(text, typ, declaredTypes(declared)); message != "" || typ.JSONType() != "array" {
		return message
	}
	gives, want := typ.Element().JSONType(), declaredTypes(f.items(declared))
	if misfit(text, typ.Element(), want) == "" {
		return ""
	}
	return "the expression gives a list whose items are each " + typeNoun(gives) + "; wanted is " + nouns(want) + " for each"
}

// declaredTypes are the types that a schema allows; none is any.
func declaredTypes(declared map[string]any) []string {
	switch types := declared["type"].(type) {
	case string:
		return []string{types}
	case []any:
		var names []string
		for _, name := range types {
			if text, ok := name.(string); ok {
				names = append(names, text)
			}
		}
		return names
	}
	return nil
}

// misfit says that an expression's result can't be of the wanted types; "" when it may be.
func misfit(text string, typ *expr.Type, want []string) string {
	gives := typ.JSONType()
	if gives == "" || len(want) == 0 || slices.Contains(want, gives) {
		return ""
	}
	numeric := gives == "integer" || gives == "number"
	if numeric && (slices.Contains(want, "number") || slices.Contains(want, "integer")) {
		return "" // a number may be integral
	}
	return "the expression gives " + typeNoun(gives) + "; wanted is " + nouns(want) + conversion(text, gives, want)
}

// nouns are JSON types in a message.
func nouns(want []string) string {
	wanted := make([]string, len(want))
	for i, name := range want {
		wanted[i] = typeNoun(name)
	}
	return strings.Join(wanted, " or ")
}

// typeNoun is a JSON type in a message.
func typeNoun(name string) string {
	nouns := map[string]string{
		"object": "a map", "array": "a list", "string": "a text", "boolean": "true or false",
		"integer": "an integer", "number": "a number", "null": "null",
	}
	return nouns[name]
}

// conversion is the way out of a misfit.
func conversion(text, gives string, want []string) string {
	inner := shorten(text[len("${") : len(text)-1])
	switch {
	case slices.Contains(want, "string") && (gives == "integer" || gives == "number" || gives == "boolean"):
		return "; write ${string(" + inner + ")}"
	case slices.Contains(want, "string") && (gives == "object" || gives == "array"):
		return "; as JSON text it is ${toJson(" + inner + ")}"
	case gives == "string" && slices.Contains(want, "integer"):
		return "; write ${int(" + inner + ")}"
	case gives == "string" && slices.Contains(want, "number"):
		return "; write ${double(" + inner + ")}"
	case gives == "string" && slices.Contains(want, "boolean"):
		return "; compare it, such as ${" + inner + " == 'true'}"
	}
	return ""
}

// checkText compiles a text with expressions, whose value has to be of some types.
func (c *checker) checkText(scopes *scoping, w *written, v view, want ...string) *compilation {
	if w.node == nil || w.node.kind != kindString {
		return nil // the grammar says so
	}
	result := c.checkExpression(scopes, w, expr.WantAny, v)
	if result != nil && soleExpression(w.node.text) {
		if message := misfit(w.node.text, result.typ, want); message != "" {
			c.add(w.path, message)
		}
	}
	return result
}

// checkToken compiles a step's token, which is another for every item: the
// calls of two items with one token would be taken for repeats of one call.
func (c *checker) checkToken(scopes *scoping, s *site, v view) {
	w := s.value("token")
	result := c.checkText(scopes, w, v, "string", "integer")
	if result == nil {
		return
	}
	var item *Foreach
	varies := []string{rootIndex}
	switch group := s.level.group; {
	case s.step.Foreach != nil:
		item = s.step.Foreach
	case group != nil && group.step.Foreach != nil:
		item = group.step.Foreach
		for _, id := range named(result.refs, rootSteps) {
			if _, inside := s.level.index[id]; inside {
				return // the output of a step that is done for every item, too
			}
		}
	default:
		return
	}
	if !refersTo(result.refs, append(varies, item.As)...) {
		c.add(w.path, "the token is the same for every item, so the calls for all of them would be taken for one; put the item into it, such as ${"+item.As+"} or ${"+item.As+".id}")
	}
}

// checkLooks compiles a condition of a poll, which has to look at the output.
func (c *checker) checkLooks(scopes *scoping, w *written, v view) {
	result := c.checkExpression(scopes, w, expr.WantBool, v)
	if result != nil && !refersTo(result.refs, rootOutput) {
		c.add(w.path, "the condition doesn't look at `output`, so it gives the same after every call; compare something of it, such as ${output.body.state == 'READY'}")
	}
}

// refersTo reports whether one of some refs is of one of some variables.
func refersTo(refs []expr.Ref, roots ...string) bool {
	return slices.ContainsFunc(refs, func(ref expr.Ref) bool { return slices.Contains(roots, ref[0]) })
}
