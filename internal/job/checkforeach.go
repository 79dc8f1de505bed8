package job

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/fairlead/fairlead/internal/job/expr"
)

// variables are the language's own; a `foreach` can't take their names.
var variables = []string{
	"callbacks", "error", "event", "index", "input", "output", "run", "schedule", "secrets", "steps", "vars",
}

// wordsOfCEL are the words of expressions that no variable may hide: the first
// parts of functions' names, the types' names, and what stands for a clock elsewhere.
var wordsOfCEL = []string{
	"base64", "lists", "math", "optional", "regex", "sets", "strings",
	"bool", "bytes", "double", "int", "list", "map", "null_type", "string", "type", "uint",
	"now",
}

// plainWord is a text of one word, which is no expression that lacks its braces.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// checkContinue checks a `continueOnError` that is no expression.
func (c *checker) checkContinue(s *site) {
	if n := s.node.get("continueOnError"); n != nil && n.kind == kindString && plainWord.MatchString(n.text) {
		c.refuse(join(s.path, "continueOnError"), quote(n.text)+" is a text; write true without quotes, or one expression such as ${error.status == 404}")
	}
}

// checkForeach checks a `foreach` as far as it needs no expression.
func (c *checker) checkForeach(s *site) {
	if s.step.Foreach == nil {
		return
	}
	path := join(s.path, "foreach")
	if s.step.waitsForCallback() {
		c.addKey(path, "a `wait` for a callback has one URL, and with `foreach` no item could be told from another; put the wait into a group, beside the step that passes the URL on")
	}
	if group := s.level.group; group != nil && group.step.Foreach != nil {
		c.addKey(path, "a `foreach` can't be inside the `foreach` of the group `"+shorten(group.step.ID)+"`: a list inside of a list is a job of its own; start one for every item of the group with `uses: job.run`")
	}
	c.checkAs(s, join(path, "as"))
	if in := s.node.get("foreach").get("in"); in != nil && in.kind == kindString {
		switch text := strings.TrimSpace(in.text); {
		case plainWord.MatchString(text):
			c.refuse(join(path, "in"), quote(text)+" is a text, and no list; write a list such as ["+text+"], or one expression that gives one, such as ${input."+text+"}")
		case strings.HasPrefix(text, "s3://"):
			c.refuse(join(path, "in"), "a list in S3 is not supported by this build; give `in` an expression whose value is the list, such as \"${steps.extract.output.body.regions}\"")
		}
	}
}

// checkAs checks the name of a `foreach`'s item, which shadows nothing.
func (c *checker) checkAs(s *site, path []string) {
	as := s.step.Foreach.As
	if as == "" {
		return
	}
	switch first := c.ids[as]; {
	case slices.Contains(reservedWords, as):
		c.add(path, "`"+as+"` is a reserved word of expressions; choose another name")
	case slices.Contains(wordsOfCEL, as):
		c.add(path, "`"+as+"` means something else in expressions; choose another name for the item")
	case slices.Contains(variables, as):
		c.add(path, "`"+as+"` is a variable of every job; choose another name for the item")
	case first != nil:
		c.add(path, "`"+as+"` is the id of the step in line "+strconv.Itoa(first.node.pos.line)+"; choose another name for the item")
	}
}

// checkItems compiles the expressions of a `foreach`.
func (c *checker) checkItems(scopes *scoping, s *site, before, item view) {
	f := s.step.Foreach
	if f == nil {
		return
	}
	c.checkExpression(scopes, s.value("foreach", "in"), expr.WantList, before)
	key := s.value("foreach", "key")
	if key.node == nil || key.node.kind != kindString {
		return
	}
	result := c.checkExpression(scopes, key, expr.WantAny, item)
	if result != nil {
		c.checkLiteralKeys(s, f.As, key.node.text)
	}
	switch {
	case result == nil:
	case !refersTo(result.refs, f.As, rootIndex):
		c.add(key.path, "the key is the same for every item; make it of the item, such as ${"+f.As+"} or ${"+f.As+".id}")
	case soleExpression(key.node.text):
		if message := misfit(key.node.text, result.typ, []string{"string", "integer"}); message != "" {
			c.add(key.path, message)
		}
	}
}

// itemOnly is a key that is made of one part of the item, with plain text around it.
var itemOnly = regexp.MustCompile(`^[^$]*\$\{\s*([a-z0-9_]+(?:\.[A-Za-z_][A-Za-z0-9_]*)*)\s*\}[^$]*$`)

// checkLiteralKeys refuses keys that two items of a list in the file share.
func (c *checker) checkLiteralKeys(s *site, as, key string) {
	found := itemOnly.FindStringSubmatch(key)
	list := s.node.get("foreach").get("in")
	if found == nil || list == nil || list.kind != kindList {
		return
	}
	parts := strings.Split(found[1], ".")
	if parts[0] != as {
		return
	}
	taken := map[string]int{}
	for i, item := range list.items {
		value, there := item.find(parts[1:])
		plain := there && (value.kind == kindNumber || value.kind == kindString) && !hasExpression(value.text)
		if !plain {
			continue
		}
		if first, twice := taken[value.text]; twice {
			c.add(join(s.path, "foreach", "in", strconv.Itoa(i)), "items "+strconv.Itoa(first)+" and "+strconv.Itoa(i)+" (from 0) have the key "+quote(value.text)+"; each needs one of its own")
			return
		}
		taken[value.text] = i
	}
}
