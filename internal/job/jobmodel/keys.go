package jobmodel

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Keys say of every key of a grammar, a JSON Schema, whether one of some jobs has it,
// by its place in the grammar: a retry's `max` is not a call's.
func Keys(grammar []byte, jobs ...[]byte) (map[string]bool, error) {
	k := keys{found: map[string]bool{}}
	if err := json.Unmarshal(grammar, &k.grammar); err != nil {
		return nil, fmt.Errorf("read the grammar: %w", err)
	}
	k.list(k.grammar, "#")
	for _, source := range jobs {
		var file any
		if err := json.Unmarshal(source, &file); err != nil {
			return nil, fmt.Errorf("read a job: %w", err)
		}
		k.visit(file, k.grammar, "#")
	}
	return k.found, nil
}

type keys struct {
	grammar map[string]any
	found   map[string]bool
}

// list finds the keys of a schema and of those in it.
func (k *keys) list(node map[string]any, at string) {
	for name, child := range node {
		child, ok := child.(map[string]any)
		if !ok {
			continue
		}
		if name == "properties" {
			for key := range child {
				k.found[at+"/properties/"+key] = false
			}
		}
		k.list(child, at+"/"+name)
	}
}

// visit notes the keys that a value of a schema has.
func (k *keys) visit(value any, node map[string]any, at string) {
	if ref, ok := node["$ref"].(string); ok {
		at = ref
		definitions, _ := k.grammar["$defs"].(map[string]any)
		node, _ = definitions[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any)
	}
	switch value := value.(type) {
	case []any:
		items, _ := node["items"].(map[string]any)
		for _, item := range value {
			k.visit(item, items, at+"/items")
		}
	case map[string]any:
		properties, _ := node["properties"].(map[string]any)
		for key, member := range value {
			if declared, ok := properties[key].(map[string]any); ok {
				k.found[at+"/properties/"+key] = true
				k.visit(member, declared, at+"/properties/"+key)
			}
		}
	}
}
