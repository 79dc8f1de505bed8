package expr

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// jsonFunctions are json(s), toJson(v), sha256(s) and urlEncode(s).
func jsonFunctions() []cel.EnvOption {
	return []cel.EnvOption{
		cel.Function("json", cel.Overload("json_string", []*cel.Type{cel.StringType}, cel.DynType, cel.UnaryBinding(fromJSON))),
		cel.Function("toJson", cel.Overload("to_json_dyn", []*cel.Type{cel.DynType}, cel.StringType, cel.UnaryBinding(toJSON))),
		cel.Function("sha256",
			cel.Overload("sha256_string", []*cel.Type{cel.StringType}, cel.StringType, cel.UnaryBinding(digest)),
			cel.Overload("sha256_bytes", []*cel.Type{cel.BytesType}, cel.StringType, cel.UnaryBinding(digest))),
		cel.Function("urlEncode", cel.Overload("url_encode_string", []*cel.Type{cel.StringType}, cel.StringType, cel.UnaryBinding(urlEncode))),
	}
}

func fromJSON(v ref.Val) ref.Val {
	value, err := Decode([]byte(v.(types.String)))
	if err != nil {
		return types.NewErr("json(): %w", err)
	}
	return types.DefaultTypeAdapter.NativeToValue(value)
}

func toJSON(v ref.Val) ref.Val {
	value, err := toNative(v, NewBudget())
	if err != nil {
		return types.NewErr("toJson(): %w", err)
	}
	text, err := encode(value)
	if err != nil {
		return types.NewErr("toJson(): %w", err)
	}
	return types.String(text)
}

// digest is the SHA-256 of a string or bytes in hexadecimal.
func digest(v ref.Val) ref.Val {
	var raw []byte
	switch value := v.(type) {
	case types.String:
		raw = []byte(value)
	case types.Bytes:
		raw = value
	}
	sum := sha256.Sum256(raw)
	return types.String(hex.EncodeToString(sum[:]))
}

// urlEncode makes a string fit for a path segment or a query value: a space is
// %20, which is right in both; + is one only in a query.
func urlEncode(v ref.Val) ref.Val {
	return types.String(strings.ReplaceAll(url.QueryEscape(string(v.(types.String))), "+", "%20"))
}

// listFunctions are list.sum() and list.chunk(n).
func listFunctions() []cel.EnvOption {
	list := cel.ListType(cel.TypeParamType("A"))
	return []cel.EnvOption{
		cel.Function("sum", cel.MemberOverload("list_sum", []*cel.Type{cel.ListType(cel.DynType)}, cel.DynType, cel.UnaryBinding(sum))),
		cel.Function("chunk", cel.MemberOverload("list_chunk", []*cel.Type{list, cel.IntType}, cel.ListType(list), cel.BinaryBinding(chunk))),
	}
}

// sum adds the numbers of a list, skipping nulls: an integer when all of them are, exactly, else a double.
func sum(v ref.Val) ref.Val {
	var total ref.Val = types.Int(0)
	it := v.(traits.Lister).Iterator()
	for i := 0; it.HasNext() == types.True; i++ {
		item := it.Next()
		if item == types.NullValue {
			continue
		}
		if item.Type() != types.IntType && item.Type() != types.DoubleType {
			return types.NewErr("sum() adds numbers; item %d of the list is %s", i, nounOf(item))
		}
		left, right := promote(total, item)
		total = left.(traits.Adder).Add(right)
		if types.IsError(total) {
			return types.NewErr("sum() is larger than an integer can be")
		}
	}
	return total
}

// chunk cuts a list into lists of n items; the last one may be shorter.
func chunk(v, n ref.Val) ref.Val {
	size, items := int(n.(types.Int)), items(v.(traits.Lister))
	if size < 1 {
		return types.NewErr("chunk() needs a size of 1 or more, found %d", size)
	}
	var chunks []ref.Val
	for start := 0; start < len(items); start += size {
		// Not min(start+size, …): a huge size would overflow.
		end := start + min(size, len(items)-start)
		chunks = append(chunks, types.NewRefValList(types.DefaultTypeAdapter, items[start:end]))
		if end == len(items) {
			break
		}
	}
	return types.NewRefValList(types.DefaultTypeAdapter, chunks)
}

func items(list traits.Lister) []ref.Val {
	var values []ref.Val
	for it := list.Iterator(); it.HasNext() == types.True; {
		values = append(values, it.Next())
	}
	return values
}
