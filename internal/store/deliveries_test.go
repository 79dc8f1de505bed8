package store_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/store"
)

func TestDeliveriesOncePerRecipientAndChannel(t *testing.T) {
	t.Parallel()
	s := cluster.Store(t)
	publish(t, s, "load", "a")
	run := submit(t, s, newRun(t, "load"))
	deliver := func(id, recipient string) store.Delivery {
		return store.Delivery{
			ID: id, Team: team, Run: run.ID, Event: "failed", Channel: "email", Recipient: recipient,
			Severity: "high", Payload: []byte(`{"subject": "x"}`),
		}
	}
	kept, err := s.InsertDeliveries(t.Context(), "event", []store.Delivery{deliver("1", "ana"), deliver("2", "bo"), deliver("3", "ana")})
	require.NoError(t, err)
	require.Len(t, kept, 2)
	require.NoError(t, s.MarkDelivery(t.Context(), "1", store.DeliverySent, "ses-1", ""))

	kept, err = s.InsertDeliveries(t.Context(), "event", []store.Delivery{deliver("4", "ana"), deliver("5", "cy")})
	require.NoError(t, err)
	require.Equal(t, []string{"1", "2", "5"}, []string{kept[0].ID, kept[1].ID, kept[2].ID})
	require.Equal(t, store.DeliverySent, kept[0].State)
	listed, err := s.Deliveries(t.Context(), run.ID)
	require.NoError(t, err)
	require.Equal(t, kept, listed)
}

func TestSentStaysSent(t *testing.T) {
	t.Parallel()
	s := cluster.Store(t)
	_, err := s.InsertDeliveries(t.Context(), "event", []store.Delivery{{ID: "1", Team: team, Event: "failed", Channel: "email", Recipient: "ana", Severity: "high"}})
	require.NoError(t, err)
	require.NoError(t, s.MarkDelivery(t.Context(), "1", store.DeliveryFailed, "", "away \x00"))
	got, err := s.Delivery(t.Context(), "1")
	require.NoError(t, err)
	require.Equal(t, "away \uFFFD", got.Error)
	require.NoError(t, s.MarkDelivery(t.Context(), "1", store.DeliverySent, "ses-1", ""))
	require.NoError(t, s.MarkDelivery(t.Context(), "1", store.DeliveryFailed, "ses-2", "late"))
	got, err = s.Delivery(t.Context(), "1")
	require.NoError(t, err)
	require.Equal(t, store.DeliverySent, got.State)
	require.Equal(t, "ses-1", got.ProviderID)
	require.Equal(t, 2, got.Attempts)
	require.Empty(t, got.Error)
	require.False(t, got.SentAt.IsZero())
	_, err = s.Delivery(t.Context(), "2")
	requireCode(t, job.CodeNotFound, err)
}

func TestSpool(t *testing.T) {
	t.Parallel()
	s := cluster.Store(t)
	ctx := t.Context()
	for _, key := range []string{"logs/b", "logs/a", "other/c"} {
		require.NoError(t, s.Spool(ctx, team, key, []byte(key)))
	}
	require.NoError(t, s.Spool(ctx, team, "logs/a", []byte("again")))
	keys, err := s.SpooledKeys(ctx, "logs/", "", 10)
	require.NoError(t, err)
	require.Equal(t, []string{"logs/a", "logs/b"}, keys)
	keys, err = s.SpooledKeys(ctx, "", "logs/a", 1)
	require.NoError(t, err)
	require.Equal(t, []string{"logs/b"}, keys)
	body, err := s.Spooled(ctx, "logs/a")
	require.NoError(t, err)
	require.Equal(t, "again", string(body))
	require.NoError(t, s.Unspool(ctx, "logs/a"))
	require.NoError(t, s.Unspool(ctx, "logs/a"))
	_, err = s.Spooled(ctx, "logs/a")
	requireCode(t, job.CodeNotFound, err)
}
