package notify_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/testsuite"
	"pgregory.net/rapid"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/activities/notify"
	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/store"
)

var update = flag.Bool("update", false, "write the golden files anew")

// parts are rows and a mailer in memory.
type parts struct {
	previous   *store.Run
	deliveries map[string]store.Delivery
	sent       []string
	sendErr    error
	markErr    error
}

func (p *parts) InsertDeliveries(_ context.Context, event string, deliveries []store.Delivery) ([]store.Delivery, error) {
	for _, d := range deliveries {
		if _, kept := p.deliveries[d.ID]; !kept {
			d.State = store.DeliveryPending
			p.deliveries[d.ID] = d
		}
	}
	return p.of(event), nil
}

func (p *parts) of(event string) []store.Delivery {
	var of []store.Delivery
	for _, d := range p.deliveries {
		if d.EventID == event {
			of = append(of, d)
		}
	}
	slices.SortFunc(of, func(a, b store.Delivery) int { return strings.Compare(a.ID, b.ID) })
	return of
}

func (p *parts) Delivery(_ context.Context, id string) (store.Delivery, error) {
	d, ok := p.deliveries[id]
	if !ok {
		return d, job.Errorf(job.CodeNotFound, "no delivery")
	}
	return d, nil
}

func (p *parts) MarkDelivery(_ context.Context, id string, state store.DeliveryState, provider, message string) error {
	if p.markErr != nil {
		return p.markErr
	}
	d := p.deliveries[id]
	d.State, d.ProviderID, d.Error = state, provider, message
	p.deliveries[id] = d
	return nil
}

func (p *parts) PreviousEnded(context.Context, string, string, string) (store.Run, error) {
	if p.previous == nil {
		return store.Run{}, job.Errorf(job.CodeNotFound, "no run before")
	}
	return *p.previous, nil
}

func (p *parts) Send(_ context.Context, id string, _ notify.Message) (string, error) {
	if p.sendErr != nil {
		return "", p.sendErr
	}
	p.sent = append(p.sent, id)
	return "ses-1", nil
}

func setup(t *testing.T) (*parts, *notify.Notifier) {
	t.Helper()
	p := &parts{deliveries: map[string]store.Delivery{}}
	return p, notify.New(p, p, "https://fairlead.example/", slog.New(slog.DiscardHandler))
}

// send runs the activity, with the details of an attempt before if there are any.
func send(t *testing.T, n *notify.Notifier, id string, details any) error {
	t.Helper()
	env := new(testsuite.WorkflowTestSuite).NewTestActivityEnvironment()
	env.RegisterActivityWithOptions(n.SendNotification, activity.RegisterOptions{Name: activities.SendNotification})
	if details != nil {
		env.SetHeartbeatDetails(details)
	}
	_, err := env.ExecuteActivity(activities.SendNotification, activities.Delivery{ID: id})
	return err
}

func ending(status job.Status, rules ...job.NotifyRule) activities.Ending {
	start := time.Date(2026, 1, 5, 5, 0, 0, 0, time.UTC)
	e := activities.Ending{
		Run:    activities.Run{ID: "run_06dqhz", Team: "default", Job: "nightly_orders", Version: 3},
		Status: status, StartedAt: start, EndedAt: start.Add(63*time.Second + 400*time.Millisecond), Rules: rules,
	}
	if status == job.StatusFailed {
		e.Error = &job.Failure{Code: "http_status", Step: "load", Message: "GET https://lake.example/eu answered 503 Service Unavailable: <b>maintenance & more</b>"}
	}
	return e
}

func rule(severity job.Severity, events []string, to ...string) job.NotifyRule {
	return job.NotifyRule{Events: events, To: to, Severity: severity}
}

// one returns the only delivery and its message.
func one(t *testing.T, p *parts) (store.Delivery, notify.Message) {
	t.Helper()
	require.Len(t, p.deliveries, 1)
	for _, d := range p.deliveries {
		var m notify.Message
		require.NoError(t, json.Unmarshal(d.Payload, &m))
		return d, m
	}
	panic("unreachable")
}

func TestMailsAreGolden(t *testing.T) {
	t.Parallel()
	all := []string{job.EventFailed, job.EventRecovered, job.EventSucceeded}
	timedOut := ending(job.StatusTimedOut, rule(job.SeverityLow, all, "email:ana@example.com"))
	timedOut.StartedAt = time.Time{}
	timedOut.Error = &job.Failure{Code: "timeout", Message: "the run was not done within 24h"}
	uncleaned := ending(job.StatusFailed, rule(job.SeverityHigh, all, "email:ana@example.com"))
	uncleaned.Cleanup = job.StatusFailed
	for name, e := range map[string]activities.Ending{
		"uncleaned": uncleaned,
		"failed":    ending(job.StatusFailed, rule(job.SeverityHigh, all, "email:ana@example.com")),
		"timed_out": timedOut,
		"succeeded": ending(job.StatusSucceeded, rule(job.SeverityNormal, []string{job.EventSucceeded}, "email:ana@example.com")),
		"recovered": ending(job.StatusSucceeded, rule(job.SeverityNormal, all, "email:ana@example.com")),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, n := setup(t)
			p.previous = &store.Run{ID: "run_before", Status: job.StatusTimedOut}
			_, err := n.PrepareNotifications(t.Context(), e)
			require.NoError(t, err)
			_, message := one(t, p)
			headers, err := json.MarshalIndent(message.Headers, "", "  ")
			require.NoError(t, err)
			golden(t, name, "To: "+message.To+"\nSubject: "+message.Subject+"\n"+string(headers)+"\n\n"+message.Text+"\n"+message.HTML)
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

func TestWhoIsTold(t *testing.T) {
	t.Parallel()
	failed, succeeded, recovered := []string{job.EventFailed}, []string{job.EventSucceeded}, []string{job.EventRecovered}
	for name, test := range map[string]struct {
		status   job.Status
		previous job.Status
		rules    []job.NotifyRule
		want     []string
	}{
		"failed":                   {job.StatusFailed, "", []job.NotifyRule{rule("low", failed, "email:a@x.y", "email:b@x.y"), rule("high", failed, "email:a@x.y")}, []string{"failed a@x.y high", "failed b@x.y low"}},
		"timed out is failed":      {job.StatusTimedOut, "", []job.NotifyRule{rule("normal", failed, "email:a@x.y")}, []string{"failed a@x.y normal"}},
		"canceled tells nobody":    {job.StatusCanceled, "", []job.NotifyRule{rule("normal", append(failed, job.EventSucceeded), "email:a@x.y")}, nil},
		"other events":             {job.StatusFailed, "", []job.NotifyRule{rule("normal", succeeded, "email:a@x.y")}, nil},
		"succeeded":                {job.StatusSucceeded, "failed", []job.NotifyRule{rule("normal", succeeded, "email:a@x.y")}, []string{"succeeded a@x.y normal"}},
		"recovered":                {job.StatusSucceeded, "failed", []job.NotifyRule{rule("normal", recovered, "email:a@x.y"), rule("normal", succeeded, "email:a@x.y", "email:b@x.y")}, []string{"recovered a@x.y normal", "succeeded b@x.y normal"}},
		"first success":            {job.StatusSucceeded, "", []job.NotifyRule{rule("normal", recovered, "email:a@x.y")}, nil},
		"second success":           {job.StatusSucceeded, "succeeded", []job.NotifyRule{rule("normal", recovered, "email:a@x.y")}, nil},
		"targets without channels": {job.StatusFailed, "", []job.NotifyRule{rule("normal", failed, "slack:#x", "email:nobody")}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, n := setup(t)
			if test.previous != "" {
				p.previous = &store.Run{ID: "run_before", Status: test.previous}
			}
			kept, err := n.PrepareNotifications(t.Context(), ending(test.status, test.rules...))
			require.NoError(t, err)
			again, err := n.PrepareNotifications(t.Context(), ending(test.status, test.rules...))
			require.NoError(t, err)
			require.Equal(t, kept, again, "a repeat finds the same")
			require.Len(t, kept.IDs, len(test.want))
			var got []string
			for _, id := range kept.IDs {
				d := p.deliveries[id]
				require.Equal(t, "email", d.Channel)
				require.Equal(t, "run_06dqhz", d.Run)
				got = append(got, d.Event+" "+d.Recipient+" "+d.Severity)
			}
			require.ElementsMatch(t, test.want, got)
		})
	}
}

func TestSubjectIsOneLineWhateverTheCause(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		p, n := setup(t)
		e := ending(job.StatusFailed, rule("high", []string{job.EventFailed}, "email:a@x.y"))
		e.Error.Message = rapid.StringOf(rapid.SampledFrom([]rune("a\r\n\x00\x1b\u2028\u202eé日: Bcc@"))).Draw(rt, "cause")
		_, err := n.PrepareNotifications(t.Context(), e)
		require.NoError(rt, err)
		for _, d := range p.deliveries {
			var m notify.Message
			require.NoError(rt, json.Unmarshal(d.Payload, &m))
			require.False(rt, strings.ContainsAny(m.Subject, "\r\n\x00\x1b\u2028\u202e"), m.Subject)
			require.LessOrEqual(rt, len([]rune(m.Subject)), 181)
			require.True(rt, strings.HasPrefix(m.Subject, "[failed] nightly_orders: step load: "), m.Subject)
		}
	})
}

func TestSend(t *testing.T) {
	t.Parallel()
	p, n := setup(t)
	_, err := n.PrepareNotifications(t.Context(), ending(job.StatusFailed, rule("high", []string{job.EventFailed}, "email:a@x.y")))
	require.NoError(t, err)
	d, _ := one(t, p)

	p.sendErr = &activities.Failed{Failure: job.Failure{Code: "email_unavailable", Message: "away\nnow", Retryable: true}}
	require.Error(t, send(t, n, d.ID, nil))
	require.Equal(t, store.DeliveryFailed, p.deliveries[d.ID].State)
	require.Equal(t, "email_unavailable: away", p.deliveries[d.ID].Error)

	p.sendErr = nil
	require.NoError(t, send(t, n, d.ID, nil))
	require.NoError(t, send(t, n, d.ID, nil), "sent already")
	require.Equal(t, []string{d.ID}, p.sent)
	require.Equal(t, store.DeliverySent, p.deliveries[d.ID].State)
	require.Equal(t, "ses-1", p.deliveries[d.ID].ProviderID)
	require.Error(t, send(t, n, "ntf_none", nil))
}

func TestAcceptedButNotNotedIsNotSentAgain(t *testing.T) {
	t.Parallel()
	p, n := setup(t)
	_, err := n.PrepareNotifications(t.Context(), ending(job.StatusFailed, rule("high", []string{job.EventFailed}, "email:a@x.y")))
	require.NoError(t, err)
	d, _ := one(t, p)
	p.markErr = errors.New("the database is away")
	require.Error(t, send(t, n, d.ID, nil))
	require.Len(t, p.sent, 1)
	p.markErr = nil
	require.NoError(t, send(t, n, d.ID, "ses-1"))
	require.Len(t, p.sent, 1)
	require.Equal(t, "ses-1", p.deliveries[d.ID].ProviderID)
}
