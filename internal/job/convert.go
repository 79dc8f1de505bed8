package job

import (
	"fmt"
	"strconv"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// converter makes nodes of a YAML tree: it resolves anchors, aliases and `<<`,
// refuses duplicate keys and what JSON can't say, and bounds what aliases expand to.
type converter struct {
	line     int
	anchors  map[string]*ast.AnchorNode
	open     map[*ast.AnchorNode]bool // being expanded: an alias inside its own anchor has no end
	problems []Field
	budget   *budget
	full     bool
}

// budget is what all documents of a file may still grow to.
type budget struct{ nodes, bytes int }

// newBudget is a file's.
func newBudget() *budget { return &budget{nodes: maxNodes, bytes: maxExpanded} }

// spend takes one value of size bytes and reports whether there was room for it.
func (b *budget) spend(size int) bool {
	b.nodes--
	b.bytes -= size
	return b.nodes >= 0 && b.bytes >= 0
}

// at is the place of a token in the file.
func (c *converter) at(tk *token.Token) position {
	if tk == nil || tk.Position == nil {
		return position{line: c.line + 1, column: 1}
	}
	return position{line: tk.Position.Line + c.line, column: max(1, tk.Position.Column)}
}

// fail keeps a problem; the answer is complete enough when it is full.
func (c *converter) fail(path []string, pos position, format string, args ...any) {
	if len(c.problems) < maxFields {
		c.problems = append(c.problems, Field{Pointer: pointerOf(path...), Line: pos.line, Column: pos.column, Message: fmt.Sprintf(format, args...)})
	}
}

// spend counts a value against the limits and reports whether they hold.
func (c *converter) spend(path []string, pos position, size int) bool {
	if !c.full && !c.budget.spend(size) {
		c.full = true
		c.fail(path, pos, "the file grows to more than %d values or %d bytes here, its aliases expanded; use fewer or smaller aliases", maxNodes, maxExpanded)
	}
	return !c.full
}

// convert returns the node of a YAML value; nil when the limits are reached.
func (c *converter) convert(n ast.Node, path []string) *node {
	if n == nil {
		return &node{kind: kindNull}
	}
	pos := c.at(start(n))
	if len(path) > maxDepth {
		c.full = true
		c.fail(path, pos, "lists and maps nest more than %d deep", maxDepth)
	}
	if !c.spend(path, pos, 0) {
		return &node{kind: kindNull, pos: pos}
	}
	switch n := n.(type) {
	case *ast.AnchorNode:
		c.anchors[n.Name.GetToken().Value] = n
		return c.convert(n.Value, path)
	case *ast.AliasNode:
		return c.alias(n, path)
	case *ast.TagNode:
		return c.tagged(n, path)
	case *ast.MappingNode:
		return c.mapping(n.Values, path, pos)
	case *ast.MappingValueNode:
		return c.mapping([]*ast.MappingValueNode{n}, path, pos)
	case *ast.SequenceNode:
		list := &node{kind: kindList, pos: pos}
		for i, item := range n.Values {
			if c.full {
				break
			}
			converted := c.convert(item, join(path, strconv.Itoa(i)))
			if converted.pos.line == 0 {
				converted.pos = pos
			}
			list.items = append(list.items, converted)
		}
		return list
	}
	return c.scalar(n, path, pos)
}

// scalar returns the node of a scalar.
func (c *converter) scalar(n ast.Node, path []string, pos position) *node {
	switch n := n.(type) {
	case *ast.LiteralNode:
		text := n.Value.Value
		c.spend(path, pos, len(text))
		return &node{kind: kindString, text: text, pos: pos, style: styleBlock}
	case ast.ScalarNode:
		tk := n.GetToken()
		if tk.Type == token.ImplicitNullType {
			return &node{kind: kindNull} // what holds it knows the place
		}
		c.spend(path, pos, len(tk.Value))
		if quoted(tk) {
			return &node{kind: kindString, text: tk.Value, pos: pos}
		}
		scalar, err := plainScalar(tk.Value, pos)
		if err != nil {
			c.fail(path, pos, "%s", err.Error())
			return &node{kind: kindNull, pos: pos}
		}
		return scalar
	}
	c.fail(path, pos, "this YAML construct (%s) is not supported; write a plain value", n.Type())
	return &node{kind: kindNull, pos: pos}
}

// alias expands an alias where it stands; its parts keep the places where they are written.
func (c *converter) alias(n *ast.AliasNode, path []string) *node {
	name, pos := n.Value.GetToken().Value, c.at(n.Start)
	anchor := c.anchors[name]
	switch {
	case anchor == nil:
		c.fail(path, pos, "no anchor &%s above this alias%s", shorten(name), didYouMean(name, keysOf(c.anchors)))
	case c.open[anchor]:
		c.fail(path, pos, "the anchor &%s holds an alias to itself", shorten(name))
	default:
		c.open[anchor] = true
		expanded := c.convert(anchor.Value, path)
		delete(c.open, anchor)
		return expanded
	}
	return &node{kind: kindNull, pos: pos}
}

// tagged takes the tags that say what a value is anyhow.
func (c *converter) tagged(n *ast.TagNode, path []string) *node {
	tag, pos := n.Start.Value, c.at(n.Start)
	switch tag {
	case "!!str", "!":
		if scalar, ok := n.Value.(ast.ScalarNode); ok && scalar.GetToken() != nil {
			if literal, ok := n.Value.(*ast.LiteralNode); ok {
				return c.scalar(literal, path, pos)
			}
			text := scalar.GetToken().Value
			c.spend(path, pos, len(text))
			return &node{kind: kindString, text: text, pos: c.at(scalar.GetToken())}
		}
	case "!!map", "!!seq":
		converted := c.convert(n.Value, path)
		if (tag == "!!map") == (converted.kind == kindMap) && (tag == "!!seq") == (converted.kind == kindList) {
			return converted
		}
	}
	c.fail(path, pos, "the YAML tag %s is not supported here; write the value without it", shorten(tag))
	return &node{kind: kindNull, pos: pos}
}

// mapping returns the node of a map: its own keys, then those that `<<` brings in.
func (c *converter) mapping(values []*ast.MappingValueNode, path []string, pos position) *node {
	result := &node{kind: kindMap, pos: pos}
	at := make(map[string]position, len(values))
	var merges []*ast.MappingValueNode
	for _, value := range values {
		if c.full {
			break
		}
		key, ok := c.key(value, path)
		if !ok {
			continue
		}
		keyAt := c.at(start(value.Key))
		if first, twice := at[key]; twice {
			c.fail(join(path, key), keyAt, "the key %s is here twice, first in line %d; keep one", quote(key), first.line)
			continue
		}
		at[key] = keyAt
		if _, merge := value.Key.(*ast.MergeKeyNode); merge {
			merges = append(merges, value)
			continue
		}
		converted := c.convert(value.Value, join(path, key))
		if converted.pos.line == 0 {
			converted.pos = keyAt
		}
		result.fields = append(result.fields, field{key: key, pos: keyAt, value: converted})
	}
	for _, merge := range merges {
		c.merge(result, at, merge, path)
	}
	return result
}

// key returns the text of a map's key; any scalar will do, its text counts.
func (c *converter) key(value *ast.MappingValueNode, path []string) (string, bool) {
	n := ast.Node(value.Key)
	if explicit, ok := n.(*ast.MappingKeyNode); ok {
		n = explicit.Value
	}
	if anchor, ok := n.(*ast.AnchorNode); ok {
		c.anchors[anchor.Name.GetToken().Value] = anchor
		n = anchor.Value
	}
	pos := c.at(start(n))
	scalar, ok := n.(ast.ScalarNode)
	if !ok || scalar.GetToken() == nil {
		c.fail(path, pos, "a key must be plain text; write it out, or quote it")
		return "", false
	}
	text := scalar.GetToken().Value
	if len([]rune(text)) > maxKey {
		c.fail(path, pos, "a key of more than %d characters: %s", maxKey, quote(text))
		return "", false
	}
	return text, c.spend(path, pos, len(text))
}

// merge brings the keys of `<<: *name` or `<<: [*a, *b]` into a map; its own
// keys, those of have, win, then those of the earlier name.
func (c *converter) merge(into *node, have map[string]position, merge *ast.MappingValueNode, path []string) {
	pos, before := c.at(start(merge.Value)), len(c.problems)
	source := c.convert(merge.Value, join(path, "<<"))
	sources := []*node{source}
	if source.kind == kindList {
		sources = source.items
	}
	for _, from := range sources {
		if from.kind != kindMap {
			if !c.full && len(c.problems) == before {
				c.fail(join(path, "<<"), pos, "`<<` takes a map, or a list of maps; here is %s", from.describe())
			}
			return
		}
		for _, f := range from.fields {
			if _, own := have[f.key]; !own {
				have[f.key] = f.pos
				into.fields = append(into.fields, f)
			}
		}
	}
}

// start is the token with which a value begins.
func start(n ast.Node) *token.Token {
	switch n := n.(type) {
	case *ast.MappingNode:
		if !n.IsFlowStyle && len(n.Values) > 0 {
			return start(n.Values[0])
		}
		return n.Start
	case *ast.MappingValueNode:
		return start(n.Key)
	case *ast.AnchorNode:
		return start(n.Value)
	case *ast.MappingKeyNode:
		return start(n.Value)
	case nil:
		return nil
	}
	return n.GetToken()
}

// quoted reports whether a scalar was written in quotes, and so is text.
func quoted(tk *token.Token) bool {
	return tk.Type == token.SingleQuoteType || tk.Type == token.DoubleQuoteType
}
