package e2e_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/devstack"
)

func TestExampleDatabaseUpgrade(t *testing.T) {
	t.Parallel()
	s := open(t, "database_upgrade")
	dba := s.somebody(devstack.Claims{Subject: "dan", Email: "dan@example.com", Groups: []string{"dba"}, Role: "approver"})

	t.Run("approved", func(t *testing.T) {
		t.Parallel()
		s, dba := s.in(t), dba.in(t)
		id := s.start(object{"database": "orders", "to": "17.2"})
		asked := s.asked(id)
		require.Equal(t, []string{"group:dba", "user:head-of-platform@example.com"}, asked.By)
		require.Equal(t, http.StatusForbidden, s.decide(asked, "approved", "").status, "not the submitter")
		require.Empty(t, s.done("/balancer/targets/orders"), "nothing that anybody notices")
		require.Equal(t, http.StatusOK, dba.decide(asked, "approved", "go").status)
		require.Equal(t, http.StatusConflict, dba.decide(asked, "rejected", "no, wait").status, "the first decision counts")
		var output struct{ Version, ApprovedBy string }
		s.over(id).decode(t, &output)
		require.Equal(t, "17.2", output.Version)
		require.Equal(t, "dan", output.ApprovedBy)
		require.Equal(t, "open", s.told("/balancer/targets/orders")["state"])
	})
	t.Run("undone", func(t *testing.T) {
		t.Parallel()
		s, dba := s.in(t), dba.in(t)
		id := s.start(object{"database": "carts", "to": "18-beta"})
		require.Equal(t, http.StatusOK, dba.decide(s.asked(id), "approved", "").status)
		ended := s.over(id)
		ended.failedWith(t, "http_status")
		require.Equal(t, "smoke", ended.Error.Step)
		require.Equal(t, "16.4", s.up.DatabaseVersion("carts"))
		require.Equal(t, []string{
			"PUT /balancer/targets/carts", "POST /databases/carts/upgrade", // drain, upgrade
			"POST /databases/carts/restore", "PUT /balancer/targets/carts", // and back, the last first
		}, s.done("/balancer/targets/carts", "/databases/carts/upgrade", "/databases/carts/restore"))
		require.Equal(t, "open", s.told("/balancer/targets/carts")["state"])
		ended.statuses(t, map[string]string{"drain": "compensated", "upgrade": "compensated", "smoke": "failed", "open": "skipped upstream"})
		require.Equal(t, "succeeded", ended.Cleanup)
	})
	t.Run("rejected", func(t *testing.T) {
		t.Parallel()
		s, dba := s.in(t), dba.in(t)
		id := s.start(object{"database": "users", "to": "17.2"})
		require.Equal(t, http.StatusOK, dba.decide(s.asked(id), "rejected", "not before the holidays").status)
		ended := s.over(id)
		ended.failedWith(t, "approval_rejected")
		require.Empty(t, s.done("/balancer/targets/users", "/databases/users/upgrade"))
	})
}

func TestExampleMonthEnd(t *testing.T) {
	t.Parallel()
	s := open(t, "month_end")
	cfo := s.somebody(devstack.Claims{Subject: "carla", Email: "cfo@example.com", Role: "approver"})

	t.Run("signed off", func(t *testing.T) {
		t.Parallel()
		s, cfo := s.in(t), cfo.in(t)
		cutoff := time.Now().Add(time.Second).UTC()
		id := s.start(object{"month": "2026-01", "cutoff": cutoff.Format(time.RFC3339Nano)})
		asked := s.asked(id)
		require.Contains(t, asked.Message, "accruals 3751.5")
		require.Equal(t, http.StatusOK, cfo.decide(asked, "approved", "").status)
		var output struct {
			Turnover int
			Accruals float64
		}
		ended := s.over(id)
		ended.decode(t, &output)
		require.Equal(t, 98000, output.Turnover)
		require.InDelta(t, 3751.5, output.Accruals, 0)
		ended.statuses(t, map[string]string{"cutoff": "succeeded", "unbalanced": "skipped condition", "freeze": "succeeded", "note": "succeeded"})
		require.False(t, ended.EndedAt.Before(cutoff))
		sent := s.told("/ledger/periods/2026-01/accruals")
		require.Equal(t, "2026-01-01", sent["from"])
		require.Equal(t, "2026-01-31", sent["until"])
		require.Equal(t, "carla", s.told("/ledger/periods/2026-01/report")["signedBy"])
		require.NotEmpty(t, s.up.Object("ledger/2026-01.json"))
	})
	t.Run("unbalanced", func(t *testing.T) {
		t.Parallel()
		s := s.in(t)
		ended := s.broken(object{"month": "2026-02"}, "unbalanced")
		require.Equal(t, "debit 97999, credit 98000", ended.Error.Message)
		calls := s.done("/ledger/periods/2026-02/")
		require.Len(t, calls, 8, "close, three accruals, and all of them back: %v", calls)
		require.Equal(t, "POST /ledger/periods/2026-02/reopen", calls[7], "what was first is undone last")
		ended.statuses(t, map[string]string{"close": "compensated", "accrue": "compensated", "signoff": "skipped upstream", "note": "succeeded"})
		require.Equal(t, map[string]string{"fr": "compensated", "de": "compensated", "uk": "compensated"}, s.states(ended.ID, "accrue"))
	})
}

func TestExampleOrderToInvoice(t *testing.T) {
	t.Parallel()
	s := open(t, "order_to_invoice")
	event := func(id string, price int) object {
		return object{"event": object{
			"id": id, "type": "order.completed", "customer": "c-7",
			"lines": []object{{"sku": "a", "quantity": 2, "price": price}, {"sku": "b", "quantity": 1, "price": 100}},
		}}
	}

	// The shop sends its event twice, and billing's first answer is lost: one run, one invoice.
	id := s.start(event("evt_1", 450), "Idempotency-Key", "evt_1")
	require.Equal(t, id, s.start(event("evt_1", 450), "Idempotency-Key", "evt_1"))
	var output struct {
		Invoice, Receipt string
		Total            int
	}
	ended := s.over(id)
	ended.decode(t, &output)
	require.Equal(t, 1000, output.Total)
	require.Equal(t, "2026-0001", output.Invoice)
	require.Equal(t, 2, ended.steps["invoice"].Attempts)
	for _, call := range s.up.Calls("/billing/invoices") {
		require.Equal(t, "invoice-evt_1", call.Key)
	}
	require.Equal(t, map[string]string{"inv-1": "open"}, s.up.Invoices())
	require.Equal(t, "c-7@example.com", s.told("/mailing/messages")["to"])
	called := s.up.Calls("/callback")
	require.Len(t, called, 1)
	require.Equal(t, http.StatusAccepted, called[0].Status)

	// A payment that is declined voids the invoice.
	declined := s.broken(event("evt_2", 90000), "payment_declined")
	require.Equal(t, map[string]string{"inv-1": "open", "inv-2": "void"}, s.up.Invoices())
	declined.statuses(t, map[string]string{"invoice": "compensated", "paid": "succeeded", "receipt": "skipped upstream"})

	// A receipt that can't be sent is no reason to void one.
	s.up.Down("/mailing")
	unsent := s.completed(event("evt_3", 450), &output)
	require.Equal(t, "failed", output.Receipt)
	unsent.statuses(t, map[string]string{"receipt": "failed tolerated", "invoice": "succeeded"})

	odd := event("evt_4", 1)
	odd["event"].(object)["type"] = "order.canceled"
	s.broken(odd, "unexpected_event").statuses(t, map[string]string{"customer": "skipped upstream"})
	require.Len(t, s.up.Invoices(), 3)
}
