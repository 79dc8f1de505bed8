// Package notify tells people how a run ended: it keeps one delivery for each
// event, recipient and channel, and sends each of them by e-mail.
//
//	PrepareNotifications          SendNotification
//	──────▶ pending ──────────────────▶ sent
//	           │                          ▲
//	           └──▶ failed ── tried again ┘
package notify

import (
	"context"
	"log/slog"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/store"
)

const (
	// sendTimeout bounds one call of the provider, so that there is time left to note its end.
	sendTimeout = 20 * time.Second
	markTimeout = 5 * time.Second
	// markTries are quick: past them, the next attempt of the activity goes on.
	markTries = 3
)

// channelEmail is the one channel of this build.
const channelEmail = "email"

// Rows are the deliveries, and the runs that came before.
type Rows interface {
	InsertDeliveries(ctx context.Context, eventID string, deliveries []store.Delivery) ([]store.Delivery, error)
	Delivery(ctx context.Context, id string) (store.Delivery, error)
	MarkDelivery(ctx context.Context, id string, state store.DeliveryState, providerID, message string) error
	// PreviousEnded is the newest run of a job before another one that came to a verdict; CodeNotFound: none.
	PreviousEnded(ctx context.Context, team, job, before string) (store.Run, error)
}

// Mailer sends e-mail.
type Mailer interface {
	// Send sends one message and returns the provider's name of it. An error
	// that is an [*activities.Failed] says whether another try may help.
	Send(ctx context.Context, id string, message Message) (string, error)
}

// Notifier has the activities [activities.PrepareNotifications] and [activities.SendNotification].
type Notifier struct {
	rows   Rows
	mailer Mailer
	// base is the URL that links begin with, without a slash at its end.
	base string
	log  *slog.Logger
}

// New returns a notifier; publicURL is where people reach the gateway.
func New(rows Rows, mailer Mailer, publicURL string, log *slog.Logger) *Notifier {
	return &Notifier{rows: rows, mailer: mailer, base: trimSlash(publicURL), log: log}
}

// PrepareNotifications keeps a delivery for everyone whom the rules name. A
// repeat finds what is kept already. A canceled run tells nobody.
func (n *Notifier) PrepareNotifications(ctx context.Context, ending activities.Ending) (activities.Deliveries, error) {
	var ids []string
	previous, err := n.recoveredFrom(ctx, ending)
	if err != nil {
		return activities.Deliveries{}, err
	}
	for _, event := range events(ending, previous != "") {
		if len(event.targets) == 0 {
			continue
		}
		kept, err := n.keep(ctx, ending, event, previous)
		if err != nil {
			return activities.Deliveries{}, err
		}
		for _, delivery := range kept {
			ids = append(ids, delivery.ID)
		}
	}
	return activities.Deliveries{IDs: ids}, nil
}

// recoveredFrom is the run before, if it ended badly and this one succeeded; "" otherwise.
func (n *Notifier) recoveredFrom(ctx context.Context, ending activities.Ending) (string, error) {
	if ending.Status != job.StatusSucceeded || !names(ending.Rules, job.EventRecovered) {
		return "", nil
	}
	before, err := n.rows.PreviousEnded(ctx, ending.Run.Team, ending.Run.Job, ending.Run.ID)
	switch {
	case job.CodeOf(err) == job.CodeNotFound:
		return "", nil
	case err != nil:
		return "", err
	case before.Status == job.StatusFailed, before.Status == job.StatusTimedOut:
		return before.ID, nil
	}
	return "", nil
}

func (n *Notifier) keep(ctx context.Context, ending activities.Ending, event event, previous string) ([]store.Delivery, error) {
	id := eventID(ending.Run.ID, event.name)
	deliveries := make([]store.Delivery, 0, len(event.targets))
	for _, target := range event.targets {
		address, ok := job.EmailTarget(target.to)
		if !ok { // refused at publish; an older definition may still have it
			n.log.Warn("a notification has no channel", "team", ending.Run.Team, "job", ending.Run.Job, "run", ending.Run.ID)
			continue
		}
		payload, err := n.render(ending, event.name, target.severity, previous, address)
		if err != nil {
			return nil, err
		}
		deliveries = append(deliveries, store.Delivery{
			ID: deliveryID(id, channelEmail, address), Team: ending.Run.Team, Run: ending.Run.ID, EventID: id, Event: event.name,
			Channel: channelEmail, Recipient: address, Severity: string(target.severity), Payload: payload,
		})
	}
	if len(deliveries) == 0 {
		return nil, nil
	}
	return n.rows.InsertDeliveries(ctx, id, deliveries)
}

// SendNotification sends a kept delivery, unless it was sent. What the provider
// accepted before our record of it failed is noted, not sent again.
func (n *Notifier) SendNotification(ctx context.Context, in activities.Delivery) error {
	delivery, err := n.rows.Delivery(ctx, in.ID)
	if err != nil || delivery.State == store.DeliverySent {
		return err
	}
	accepted := ""
	if activity.HasHeartbeatDetails(ctx) && activity.GetHeartbeatDetails(ctx, &accepted) == nil && accepted != "" {
		return n.mark(ctx, delivery.ID, store.DeliverySent, accepted, "")
	}
	message, err := decodeMessage(delivery.Payload)
	if err != nil {
		return err
	}
	sending, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	accepted, err = n.mailer.Send(sending, delivery.ID, message)
	if err != nil {
		if markErr := n.mark(ctx, delivery.ID, store.DeliveryFailed, "", activities.OneLine(err.Error(), maxCause)); markErr != nil {
			n.log.Warn("a delivery's failure was not noted", "team", delivery.Team, "run", delivery.Run, "error", markErr)
		}
		return err
	}
	activity.RecordHeartbeat(ctx, accepted)
	return n.mark(ctx, delivery.ID, store.DeliverySent, accepted, "")
}

// mark notes what a delivery came to, also when ctx has ended.
func (n *Notifier) mark(ctx context.Context, id string, state store.DeliveryState, providerID, message string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), markTimeout)
	defer cancel()
	var err error
	for range markTries {
		if err = n.rows.MarkDelivery(ctx, id, state, providerID, message); err == nil || ctx.Err() != nil {
			break
		}
	}
	return err
}
