package job

import (
	"encoding/json"
	"strconv"
)

// decodeDefinition reads what a document says, as far as it can be read:
// what the grammar refuses is left out, so that the checks of its meaning can
// go on. Its durations are checked here.
func (c *checker) decodeDefinition() *Definition {
	root := c.root
	def := &Definition{Timeout: DefaultRunTimeout, CleanupTimeout: DefaultCleanupTimeout}
	def.APIVersion, _ = root.stringAt("apiVersion")
	def.Name, _ = root.stringAt("name")
	def.Description, _ = root.stringAt("description")
	def.Labels = textMap(root.get("labels"))
	def.Input = raw(root.get("input"))
	def.Output = raw(root.get("output"))
	c.duration(root, nil, "timeout", &def.Timeout)
	c.duration(root, nil, "cleanupTimeout", &def.CleanupTimeout)
	number(root.get("priority"), &def.Priority)
	standard := usual{timeout: DefaultStepTimeout, retry: DefaultRetry()}
	defaults := root.get("defaults")
	c.duration(defaults, []string{"defaults"}, "timeout", &standard.timeout)
	c.retry(defaults, []string{"defaults"}, &standard.retry)
	c.standard = standard
	def.Steps = c.decodeSteps(root.get("steps"), []string{"steps"}, standard)
	def.Finally = c.decodeSteps(root.get("finally"), []string{"finally"}, standard)
	if rules := root.get("notify"); rules != nil {
		for _, n := range rules.items {
			rule := NotifyRule{Events: texts(n.get("events")), To: texts(n.get("to")), Severity: SeverityNormal}
			if severity, ok := n.stringAt("severity"); ok {
				rule.Severity = Severity(severity)
			}
			def.Notify = append(def.Notify, rule)
		}
	}
	return def
}

// duration reads a duration where there is one.
func (c *checker) duration(n *node, path []string, key string, into *Duration) {
	text, ok := n.stringAt(key)
	if !ok {
		return
	}
	parsed, err := ParseDuration(text)
	if err != nil {
		c.add(join(path, key), err.Error())
		return
	}
	*into = parsed
}

// retry reads what a `retry` sets; the rest stays as it is.
func (c *checker) retry(n *node, path []string, into *Retry) {
	written := n.get("retry")
	if written == nil {
		return
	}
	path = join(path, "retry")
	number(written.get("attempts"), &into.Attempts)
	c.duration(written, path, "maxElapsed", &into.MaxElapsed)
	if condition, ok := written.stringAt("if"); ok {
		into.If = condition
	}
	if factor := written.get("factor"); factor != nil && factor.kind == kindNumber {
		if f, err := strconv.ParseFloat(factor.text, 64); err == nil {
			into.Factor = f
		}
	}
	c.duration(written, path, "initial", &into.Initial)
	maxSet := written.get("max") != nil
	c.duration(written, path, "max", &into.Max)
	if into.Max >= into.Initial {
		return
	}
	if maxSet {
		c.add(join(path, "max"), "the longest pause, "+into.Max.String()+", is shorter than the first, "+into.Initial.String())
		return
	}
	into.Max = into.Initial // a first pause over the default longest one moves it
}

// raw is a node's canonical JSON; nil for none.
func raw(n *node) json.RawMessage {
	if n == nil {
		return nil
	}
	return n.canonical()
}

// texts are the strings of a list.
func texts(n *node) []string {
	if n == nil {
		return nil
	}
	var list []string
	for _, item := range n.items {
		if item.kind == kindString {
			list = append(list, item.text)
		}
	}
	return list
}

// textMap are the strings of a map.
func textMap(n *node) map[string]string {
	if n == nil || len(n.fields) == 0 {
		return nil
	}
	fields := make(map[string]string, len(n.fields))
	for _, f := range n.fields {
		if f.value.kind == kindString {
			fields[f.key] = f.value.text
		}
	}
	return fields
}
