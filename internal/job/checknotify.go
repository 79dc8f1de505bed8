package job

import (
	"net/mail"
	"slices"
	"strconv"
	"strings"
)

// emailScheme begins a target that is an e-mail address.
const emailScheme = "email"

// EmailTarget returns the address of a target "email:ADDRESS", and false for any other.
func EmailTarget(target string) (string, bool) {
	address, ok := strings.CutPrefix(target, emailScheme+":")
	if !ok {
		return "", false
	}
	parsed, err := mail.ParseAddress(address)
	if err != nil || parsed.Address != address || parsed.Name != "" {
		return "", false
	}
	return address, true
}

// checkNotify checks whom the rules name.
func (c *checker) checkNotify() {
	rules := c.root.get("notify")
	if rules == nil {
		return
	}
	for i, rule := range rules.items {
		to := rule.get("to")
		if to == nil {
			continue
		}
		for j, target := range to.items {
			if c.full() {
				return
			}
			if target.kind != kindString {
				continue
			}
			if message := targetProblem(target.text); message != "" {
				c.add([]string{"notify", strconv.Itoa(i), "to", strconv.Itoa(j)}, message)
			}
		}
	}
}

// targetProblem says what is wrong with a target; "" when nothing is.
func targetProblem(target string) string {
	if _, ok := EmailTarget(target); ok {
		return ""
	}
	scheme, rest, found := strings.Cut(target, ":")
	switch {
	case strings.Contains(target, "${"):
		return "no expression is evaluated in `to`; write a target such as email:ana@example.com"
	case !found && strings.Contains(target, "@"):
		return quote(target) + " is no target; write email:" + shorten(target)
	case found && scheme == emailScheme:
		return quote(rest) + " is no e-mail address; write one such as email:ana@example.com, without a name"
	case found && slices.Contains(laterTargets, scheme):
		return "`" + scheme + ":` targets are not supported by this build; write email:ADDRESS"
	}
	return quote(target) + " is no target; write one such as email:ana@example.com" + didYouMean(scheme, []string{emailScheme})
}
