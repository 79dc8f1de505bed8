package expr

import (
	"strings"

	"cel.dev/cel-go/common/ast"
)

// places finds where in a source the nodes of its tree are, for messages: an
// operator at its sign, a call at its name, a selection at its first name. CEL
// itself has a call at its parenthesis and a selection at its last dot.
type places struct {
	source []rune
	info   *ast.SourceInfo
	nodes  map[int64]ast.Expr
}

func newPlaces(source string, tree *ast.AST) places {
	p := places{source: []rune(source), info: tree.SourceInfo(), nodes: map[int64]ast.Expr{}}
	ast.PreOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) { p.nodes[e.ID()] = e }))
	return p
}

// of is the place of a node, in runes of the source.
func (p places) of(id int64) int {
	own := 0
	if r, ok := p.info.GetOffsetRange(id); ok {
		own = int(r.Start)
	}
	e, ok := p.nodes[id]
	if !ok {
		return own
	}
	switch e.Kind() {
	case ast.SelectKind:
		return min(own, p.of(e.AsSelect().Operand().ID()))
	case ast.CallKind:
		call := e.AsCall()
		if name := call.FunctionName(); strings.HasPrefix(name, "@") && called(name) == name && len(call.Args()) == 1 { // put around it by analysis
			return p.of(call.Args()[0].ID())
		}
		if own < len(p.source) && p.source[own] == '(' {
			for own > 0 && isWord(p.source[own-1]) {
				own--
			}
		}
	default:
	}
	return own
}
