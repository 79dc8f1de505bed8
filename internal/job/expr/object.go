package expr

import (
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// assembled is what a literal object with computed keys is compiled to: CEL's own
// takes the last of several members with one key, and takes 1 and '1' for two,
// which are one in JSON.
const assembled = "@assemble"

// objectFunctions declare assembled: keys, values, and which of the values are optional.
func objectFunctions() cel.EnvOption {
	list := func(of *cel.Type) *cel.Type { return cel.ListType(of) }
	return cel.Function(assembled, cel.Overload("object_of_lists",
		[]*cel.Type{list(cel.DynType), list(cel.DynType), list(cel.BoolType)}, cel.MapType(cel.DynType, cel.DynType),
		cel.FunctionBinding(assemble)))
}

func assemble(args ...ref.Val) ref.Val {
	keys, values, optionals := items(args[0].(traits.Lister)), items(args[1].(traits.Lister)), items(args[2].(traits.Lister))
	members, names := make(map[ref.Val]ref.Val, len(keys)), make(map[string]bool, len(keys))
	for i, key := range keys {
		name, err := keyName(key)
		if err != nil {
			return types.WrapErr(err)
		}
		value := values[i]
		if optional, ok := value.(*types.Optional); ok && optionals[i] == types.True {
			if !optional.HasValue() {
				continue
			}
			value = optional.GetValue()
		} else if optionals[i] == types.True {
			return types.NewErr("`?` before a key takes an optional value, such as .?a, found %s", nounOf(value))
		}
		if names[name] {
			return types.NewErr("the object has the key %q twice", name)
		}
		names[name], members[key] = true, value
	}
	return types.NewRefValMap(types.DefaultTypeAdapter, members)
}

// object analyses a literal object. Its properties are known when their names are.
func (a *analysis) object(e ast.Expr) found {
	entries := e.AsMap().Entries()
	typ := closed(make(map[string]*Type, len(entries)))
	computed := false
	names := make(map[string]bool, len(entries))
	for _, entry := range entries {
		member := entry.AsMapEntry()
		a.value(member.Key())
		value := a.value(member.Value())
		name, isText := text(member.Key())
		if !isText || member.IsOptional() {
			typ.open = true
		} else {
			typ.prop[name] = value
		}
		if !isText {
			typ.keys = true
		}
		if member.Key().Kind() != ast.LiteralKind {
			computed = true
			continue
		}
		if name, err := keyName(member.Key().AsLiteral()); err == nil {
			if names[name] {
				a.report(member.Key(), a.at(member.Key()), "the object has the key %q twice", name)
			}
			names[name] = true
		}
	}
	if computed && len(entries) > 1 {
		a.assemble(e, entries)
	}
	return found{typ: typ, schema: true, inside: true}
}

// assemble makes a literal object a call of assembled.
func (a *analysis) assemble(e ast.Expr, entries []ast.EntryExpr) {
	var keys, values, optionals []ast.Expr
	for _, entry := range entries {
		member := entry.AsMapEntry()
		value := a.newNode(member.Value())
		value.SetKindCase(a.factory.NewCall(value.ID(), "dyn", member.Value()))
		key := a.newNode(member.Key())
		key.SetKindCase(a.factory.NewCall(key.ID(), "dyn", member.Key()))
		optional := a.newNode(e)
		optional.SetKindCase(a.factory.NewLiteral(optional.ID(), types.Bool(member.IsOptional())))
		keys, values, optionals = append(keys, key), append(values, value), append(optionals, optional)
	}
	list := func(of []ast.Expr) ast.Expr {
		node := a.newNode(e)
		node.SetKindCase(a.factory.NewList(node.ID(), of, nil))
		return node
	}
	e.SetKindCase(a.factory.NewCall(e.ID(), assembled, list(keys), list(values), list(optionals)))
}
