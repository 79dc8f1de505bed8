package store

import (
	"context"
	"errors"
	"time"

	"github.com/fairlead/fairlead/internal/store/internal/db"
)

// DeliveryState says how far a delivery has come.
type DeliveryState string

// The states of a delivery: pending → sent, or failed and tried again. Nothing leaves sent.
const (
	DeliveryPending DeliveryState = "pending"
	DeliverySent    DeliveryState = "sent"
	DeliveryFailed  DeliveryState = "failed"
)

// Delivery is one message to one recipient on one channel.
type Delivery struct {
	ID        string
	Team      string
	Run       string // "" when it is about no run
	EventID   string // (EventID, Recipient, Channel) is delivered once
	Event     string // such as failed
	Channel   string // such as email
	Recipient string
	Severity  string
	// Payload is what is sent, as the channel understands it; kept byte by byte.
	Payload []byte

	State      DeliveryState
	Attempts   int
	ProviderID string // the provider's own name of what it accepted
	Error      string // of the last attempt
	CreatedAt  time.Time
	SentAt     time.Time
}

// InsertDeliveries keeps the deliveries of one event, all or none, and returns
// what is kept of it by ID: one that was there before under the same recipient
// and channel stays as it was, whatever the new one's ID.
func (s *Store) InsertDeliveries(ctx context.Context, eventID string, deliveries []Delivery) ([]Delivery, error) {
	params := make([]db.InsertDeliveryParams, len(deliveries))
	for i, d := range deliveries {
		params[i] = db.InsertDeliveryParams{
			ID: d.ID, Team: d.Team, Run: optional(d.Run), EventID: eventID, Event: d.Event,
			Channel: d.Channel, Recipient: d.Recipient, Severity: d.Severity, Payload: notNil(d.Payload),
		}
	}
	var first error
	s.queries.InsertDelivery(ctx, params).Exec(func(_ int, err error) { first = errors.Join(first, err) })
	if first != nil {
		return nil, failed("keep deliveries", first)
	}
	rows, err := s.queries.DeliveriesOfEvent(ctx, eventID)
	return toDeliveries(rows), failed("list an event's deliveries", err)
}

// Delivery returns one delivery. CodeNotFound.
func (s *Store) Delivery(ctx context.Context, id string) (Delivery, error) {
	row, err := s.queries.GetDelivery(ctx, id)
	if err != nil {
		return Delivery{}, found("read a delivery", err, "there is no delivery %q", id)
	}
	return toDelivery(row), nil
}

// Deliveries lists those of a run, by ID.
func (s *Store) Deliveries(ctx context.Context, run string) ([]Delivery, error) {
	rows, err := s.queries.DeliveriesOfRun(ctx, &run)
	return toDeliveries(rows), failed("list a run's deliveries", err)
}

// MarkDelivery notes what an attempt came to: the provider's ID of what it
// accepted, or the error; "" for none. One that was sent stays as it is.
func (s *Store) MarkDelivery(ctx context.Context, id string, state DeliveryState, providerID, message string) error {
	return failed("mark a delivery", s.queries.MarkDelivery(ctx, db.MarkDeliveryParams{
		ID: id, State: string(state), ProviderID: optional(storable(providerID)), Error: optional(storable(message)),
	}))
}

func toDeliveries(rows []db.Delivery) []Delivery {
	deliveries := make([]Delivery, len(rows))
	for i, row := range rows {
		deliveries[i] = toDelivery(row)
	}
	return deliveries
}

func toDelivery(row db.Delivery) Delivery {
	return Delivery{
		ID: row.ID, Team: row.Team, Run: value(row.Run), EventID: row.EventID, Event: row.Event,
		Channel: row.Channel, Recipient: row.Recipient, Severity: row.Severity, Payload: row.Payload,
		State: DeliveryState(row.State), Attempts: int(row.Attempts), ProviderID: value(row.ProviderID),
		Error: value(row.Error), CreatedAt: row.CreatedAt.UTC(), SentAt: instant(row.SentAt),
	}
}
