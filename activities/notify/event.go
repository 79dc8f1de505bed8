package notify

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/internal/job"
)

// event is one fact and those who are told of it.
type event struct {
	name    string
	targets []target
}

// target is a recipient as a rule names it, and how loud it is.
type target struct {
	to       string
	severity job.Severity
}

// events are what a run's end is worth telling, by the rules. Whoever is told
// that a job recovered isn't told beside it that it succeeded.
func events(ending activities.Ending, recovered bool) []event {
	switch ending.Status {
	case job.StatusFailed, job.StatusTimedOut:
		return []event{{job.EventFailed, targets(ending.Rules, job.EventFailed)}}
	case job.StatusSucceeded:
		succeeded := event{job.EventSucceeded, targets(ending.Rules, job.EventSucceeded)}
		if !recovered {
			return []event{succeeded}
		}
		again := event{job.EventRecovered, targets(ending.Rules, job.EventRecovered)}
		succeeded.targets = slices.DeleteFunc(succeeded.targets, func(t target) bool {
			return slices.ContainsFunc(again.targets, func(other target) bool { return other.to == t.to })
		})
		return []event{again, succeeded}
	default:
		return nil
	}
}

// targets are all whom the rules tell of an event, each once, with the loudest severity.
func targets(rules []job.NotifyRule, event string) []target {
	var found []target
	for _, rule := range rules {
		if !slices.Contains(rule.Events, event) {
			continue
		}
		for _, to := range rule.To {
			at := slices.IndexFunc(found, func(t target) bool { return t.to == to })
			if at < 0 {
				found = append(found, target{to: to, severity: rule.Severity})
				continue
			}
			found[at].severity = louder(found[at].severity, rule.Severity)
		}
	}
	return found
}

func louder(a, b job.Severity) job.Severity {
	order := []job.Severity{job.SeverityLow, job.SeverityNormal, job.SeverityHigh}
	if slices.Index(order, a) >= slices.Index(order, b) {
		return a
	}
	return b
}

// names reports whether a rule names an event.
func names(rules []job.NotifyRule, event string) bool {
	return slices.ContainsFunc(rules, func(rule job.NotifyRule) bool { return slices.Contains(rule.Events, event) })
}

// eventID is the same for every telling of the same fact.
func eventID(run, event string) string { return digest(run, event) }

// deliveryID is the same for every try to tell one person of one fact. Its
// characters are those that SES takes in a tag.
func deliveryID(eventID, channel, recipient string) string {
	return "ntf_" + digest(eventID, channel, recipient)[:32]
}

func digest(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:])
}
