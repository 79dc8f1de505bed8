package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/fairlead/fairlead/gateway/api"
)

// input puts the run's input together: the file's object, then each key=value over it; nil when there is neither.
func (a *App) input(ctx context.Context, client *api.ClientWithResponses, job string, options submit) (json.RawMessage, error) {
	if options.file == "" && len(options.values) == 0 {
		return nil, nil
	}
	input := map[string]json.RawMessage{}
	if options.file != "" {
		raw, err := a.read(options.file)
		if err != nil {
			return nil, err
		}
		if len(options.values) == 0 {
			return checked(options.file, raw)
		}
		if input, err = object(options.file, raw); err != nil {
			return nil, err
		}
	}
	kinds, err := a.kinds(ctx, client, job, options)
	if err != nil {
		return nil, err
	}
	for _, pair := range options.values {
		key, text, ok := strings.Cut(pair, "=")
		if !ok || key == "" {
			return nil, fmt.Errorf("-i %q is not key=value", pair)
		}
		input[key] = value(text, kinds[key])
	}
	return json.Marshal(input)
}

// object reads the file that -i adds to. null is none, though it decodes into a map.
func object(file string, raw []byte) (map[string]json.RawMessage, error) {
	var input map[string]json.RawMessage
	err := json.Unmarshal(raw, &input)
	if err == nil && input == nil {
		err = errors.New("it is null")
	}
	if err != nil {
		return nil, fmt.Errorf("%s is not a JSON object, so -i can't add to it: %w", file, err)
	}
	return input, nil
}

func checked(file string, raw []byte) (json.RawMessage, error) {
	if !json.Valid(raw) {
		return nil, fmt.Errorf("%s is not JSON", file)
	}
	return raw, nil
}

// value is the JSON of one -i: text for an input that takes strings only, else JSON where
// the text is JSON, else text.
func value(text string, kinds []string) json.RawMessage {
	textOnly := len(kinds) == 1 && kinds[0] == "string"
	if !textOnly && json.Valid([]byte(text)) {
		return json.RawMessage(text)
	}
	encoded, _ := json.Marshal(text) //nolint:errchkjson // a string always encodes
	return encoded
}

// kinds are the types that the job declares for each input. They are asked for only
// when a value could be read both as text and as JSON.
func (a *App) kinds(ctx context.Context, client *api.ClientWithResponses, job string, options submit) (map[string][]string, error) {
	ambiguous := false
	for _, pair := range options.values {
		_, text, _ := strings.Cut(pair, "=")
		ambiguous = ambiguous || json.Valid([]byte(text))
	}
	if !ambiguous {
		return nil, nil
	}
	params := &api.GetJobParams{}
	if options.version != 0 {
		params.Version = &options.version
	}
	found, err := answer[api.Job](client.GetJobWithResponse(ctx, a.team, job, params, accept("application/json")))
	if err != nil {
		return nil, err
	}
	var definition struct {
		Input struct {
			Properties map[string]json.RawMessage `json:"properties"`
		} `json:"input"`
	}
	if err := json.Unmarshal(found.Definition, &definition); err != nil {
		return nil, fmt.Errorf("definition of %s: %w", job, err)
	}
	kinds := make(map[string][]string, len(definition.Input.Properties))
	for key, property := range definition.Input.Properties {
		kinds[key] = types(property)
	}
	return kinds, nil
}

// types are the JSON Schema types of a property; nil where it doesn't say.
func types(property json.RawMessage) []string {
	var schema struct {
		Type json.RawMessage `json:"type"`
	}
	if json.Unmarshal(property, &schema) != nil {
		return nil // `true` and `false` are schemas too
	}
	if bytes.HasPrefix(schema.Type, []byte(`"`)) {
		schema.Type = append(append([]byte("["), schema.Type...), ']')
	}
	var names []string
	if json.Unmarshal(schema.Type, &names) != nil {
		return nil
	}
	return names
}
