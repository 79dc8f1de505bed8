package expr

import (
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/decls"
	"cel.dev/cel-go/common/functions"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// CEL charges a call after it has run. These functions can do far more work than
// their arguments are large, so what they will do is reckoned before: a call
// beyond maxCost is refused, and one within it is charged that.
var guarded = map[string]func(args []ref.Val) uint64{
	equal: compared, unequal: compared, sorted: sorting, sortedBy: sorting,
	"replace": replacing, "join": joining, "format": goneThrough, "flatten": goneThrough, "distinct": pairwise,
	"sets.contains": pairwise, "sets.equivalent": pairwise, "sets.intersects": pairwise,
	"hasAll": pairwise, "hasAny": pairwise, "hasOnly": pairwise, "hasExactly": pairwise,
	matched: matching, "regex.extract": matching, "regex.extractAll": matchingAll, "regex.replace": matchingAll,
	operators.In: searching, "json": parsing, "toJson": goneThrough,
	"addDays": zoned, "addMonths": zoned, "startOf": zoned, "formatTime": zoned,
	"getDate": zoned, "getDayOfMonth": zoned, "getDayOfWeek": zoned, "getDayOfYear": zoned, "getFullYear": zoned,
	"getHours": zoned, "getMilliseconds": zoned, "getMinutes": zoned, "getMonth": zoned, "getSeconds": zoned,
}

// exceeded is what CEL itself says of an evaluation over its cost limit.
const exceeded = "cost limit exceeded"

// What sort(), sortBy() and matches() are compiled to.
const (
	sorted   = "@sort"
	sortedBy = "@sortBy"
	matched  = "@matches"
)

// renamed are the functions that the guarded ones stand in for, where CEL lets
// nothing be put before its own.
var renamed = map[string]string{
	operators.Equals: equal, operators.NotEquals: unequal, "sort": sorted, "@sortByAssociatedKeys": sortedBy,
	overloads.Matches: matched,
}

// instead are the functions that don't do as CEL's own do, see sort.go.
var instead = map[string]functions.FunctionOp{sorted: inSorting, sortedBy: inSorting}

// guards puts the reckoning before the guarded functions of an environment.
func guards(environment *cel.Env) ([]cel.EnvOption, error) {
	var options []cel.EnvOption
	for name, declared := range environment.Functions() {
		as := name
		if other, ok := renamed[name]; ok {
			as = other
		}
		work, ok := guarded[as]
		if !ok || as == name && (name[0] == '@' || name == operators.In) { // guarded where they are declared
			continue
		}
		bindings, err := declared.Bindings()
		if err != nil {
			return nil, err
		}
		bound := make(map[string]*functions.Overload, len(bindings))
		for _, binding := range bindings {
			bound[binding.Operator] = binding
		}
		changed := []cel.FunctionOpt{decls.DisableTypeGuards(true)}
		for _, overload := range declared.OverloadDecls() {
			id, call := overload.ID(), bound[overload.ID()]
			if as != name {
				id, call = as+"_"+id, bound[name]
			}
			if own, ok := instead[as]; ok {
				call = &functions.Overload{Operator: id, Function: own}
			}
			if strings.HasPrefix(name, "get") {
				call = inNamedZone(name, call)
			}
			declare := cel.Overload
			if overload.IsMemberFunction() {
				declare = cel.MemberOverload
			}
			changed = append(changed, declare(id, overload.ArgTypes(), overload.ResultType(), guard(work, call, len(overload.ArgTypes()))))
		}
		options = append(options, cel.Function(as, changed...))
	}
	return options, nil
}

// charges makes programs of an environment charge what was reckoned.
func charges(environment *cel.Env) cel.ProgramOption {
	var options []cost.TrackerOption
	for name, declared := range environment.Functions() {
		if _, ok := guarded[name]; !ok && !ours[name] {
			continue
		}
		for _, overload := range declared.OverloadDecls() {
			options = append(options, cost.OverloadTracker(overload.ID(), func(args []ref.Val, result ref.Val) *uint64 {
				return costs{}.CallCost(name, "", args, result)
			}))
		}
	}
	return cel.CostTrackerOptions(options...)
}

// guard binds an overload to its function, when its work is within the bound.
func guard(work func([]ref.Val) uint64, call *functions.Overload, arity int) cel.OverloadOpt {
	within := func(args ...ref.Val) ref.Val {
		if work(args) > maxCost {
			return types.NewErr(exceeded)
		}
		return invoke(call, args)
	}
	switch arity {
	case 1:
		return cel.UnaryBinding(func(a ref.Val) ref.Val { return within(a) })
	case 2:
		return cel.BinaryBinding(func(a, b ref.Val) ref.Val { return within(a, b) })
	}
	return cel.FunctionBinding(within)
}

func invoke(call *functions.Overload, args []ref.Val) ref.Val {
	switch {
	case len(args) == 1 && call.Unary != nil:
		return call.Unary(args[0])
	case len(args) == 2 && call.Binary != nil:
		return call.Binary(args[0], args[1])
	}
	return call.Function(args...)
}

func goneThrough(args []ref.Val) uint64 { return extent(maxCost, args...) }

// parsing is slower than going through what it gives.
func parsing(args []ref.Val) uint64 {
	const bytesPerUnit = 2
	return 1 + textLen(args[0])/bytesPerUnit
}

// compared is the work of ==: that of the smaller side.
func compared(args []ref.Val) uint64 {
	return extent(extent(maxCost, args[0]), args[1])
}

// searching is the work of `in`: of comparing with each item of a list. In an
// object it is a look-up.
func searching(args []ref.Val) uint64 {
	if _, ok := args[1].(traits.Mapper); ok {
		return extent(maxCost, args[0])
	}
	n, _ := length(args[1])
	if _, ok := length(args[0]); !ok {
		return 1 + n + times(n, textLen(args[0])/textPerUnit)
	}
	return extent(maxCost, args...)
}

// pairwise is the work of comparing each item of a list with each of another, or of its own.
func pairwise(args []ref.Val) uint64 {
	left := extent(maxCost, args[0])
	if len(args) == 1 {
		return times(left, left)
	}
	return times(left, extent(maxCost, args[1]))
}

// joining is the work of join: the parts may be one text many times.
func joining(args []ref.Val) uint64 {
	n, _ := length(args[0])
	work := extent(maxCost, args[0])
	if len(args) > 1 {
		work += times(n, textLen(args[1])) / textPerUnit
	}
	return work
}

// replacing is the work of s.replace(old, new): the text that it makes.
func replacing(args []ref.Val) uint64 {
	s, _ := args[0].(types.String)
	old, _ := args[1].(types.String)
	return 1 + (uint64(len(s))+times(occurrences(string(s), string(old)), textLen(args[2])))/textPerUnit
}

func occurrences(s, of string) uint64 { return uint64(max(strings.Count(s, of), 0)) }

// zoned is the work of a function that may look up a time zone, which is read anew each time.
func zoned(args []ref.Val) uint64 {
	const reading = 300
	work := uint64(1)
	for _, arg := range args {
		work += textLen(arg)
	}
	if _, ok := args[len(args)-1].(types.String); ok {
		work += reading
	}
	return work
}
