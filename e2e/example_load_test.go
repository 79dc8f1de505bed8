package e2e_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/devstack"
)

func TestExampleNightlyETL(t *testing.T) {
	t.Parallel()
	s := open(t, "nightly_etl")
	var output struct {
		Rows    int
		Missing []string
	}
	ended := s.completed(object{"day": "2026-01-05"}, &output)
	require.Equal(t, 1500, output.Rows)
	require.Empty(t, output.Missing)
	ended.statuses(t, map[string]string{"load": "succeeded", "gate": "skipped condition", "review": "skipped condition", "publish": "succeeded", "unlock": "succeeded"})
	require.Equal(t, map[string]string{"eu": "succeeded", "us": "succeeded", "apac": "succeeded"}, s.states(ended.ID, "load"))
	require.Len(t, s.up.Staged(ended.ID), 3, "what was published is not undone")
	require.Equal(t, "succeeded", ended.Cleanup)

	few := s.broken(object{"day": "2026-01-25"}, "too_few_rows")
	require.Contains(t, few.Error.Message, "150 rows")
	require.Equal(t, "skipped", few.steps["publish"].Status)
	require.Empty(t, s.up.Staged(few.ID), "what was staged is removed")
	require.Equal(t, map[string]string{"eu": "compensated", "us": "compensated", "apac": "compensated"}, s.states(few.ID, "copy"))
	var copied, removed []string
	for _, call := range s.done(stage(few.ID, "")) {
		if path, ok := strings.CutPrefix(call, http.MethodDelete+" "); ok {
			removed = append(removed, path)
			continue
		}
		require.Empty(t, removed, "nothing is copied once it is undone")
		copied = append(copied, strings.TrimPrefix(call, http.MethodPost+" "))
	}
	require.Len(t, copied, 3)
	require.ElementsMatch(t, copied, removed)
	locks := s.done("/lake/locks/")
	require.Equal(t, http.MethodDelete+" /lake/locks/orders", locks[len(locks)-1], "finally")
}

// A region is missing: a person decides.
func TestExampleNightlyETLReviewed(t *testing.T) {
	t.Parallel()
	s := open(t, "nightly_etl")
	lead := s.somebody(devstack.Claims{Subject: "lea", Email: "lea@example.com", Groups: []string{"finance_leads"}, Role: "approver"})

	accepted := s.start(object{"day": "2026-01-13"})
	asked := s.asked(accepted)
	require.Equal(t, "Publish 2026-01-13 without us?", asked.Message)
	require.Equal(t, http.StatusForbidden, s.somebody(devstack.Claims{Subject: "bob", Role: "approver"}).decide(asked, "approved", "").status)
	require.Equal(t, http.StatusOK, lead.decide(asked, "approved", "us follows tomorrow").status)
	var output struct {
		Rows    int
		Missing []string
	}
	ended := s.over(accepted)
	ended.decode(t, &output)
	require.Equal(t, 1000, output.Rows)
	require.Equal(t, []string{"us"}, output.Missing)
	require.ElementsMatch(t, []any{"eu", "apac"}, s.told("/warehouse/tables/orders/partitions")["regions"])
	require.Equal(t, map[string]string{"eu": "succeeded", "us": "failed", "apac": "succeeded"}, s.states(accepted, "load"))

	rejected := s.start(object{"day": "2026-02-13"})
	require.Equal(t, http.StatusOK, lead.decide(s.asked(rejected), "rejected", "wait for us").status)
	ended = s.over(rejected)
	ended.failedWith(t, "approval_rejected")
	require.Empty(t, s.up.Staged(rejected), "the stage of the region that failed later, too")
	require.Len(t, s.done("/warehouse/tables/orders/partitions"), 1, "nothing more was published")
}

func TestExampleOrdersToSQL(t *testing.T) {
	t.Parallel()
	s := open(t, "orders_to_sql")
	var output struct{ Objects, Orders int }
	ended := s.completed(object{"day": "2026-01-05"}, &output)
	require.Equal(t, 5, output.Objects)
	require.Equal(t, 230, output.Orders)
	require.Equal(t, 230, s.up.Rows("orders 2026-01-05"))
	require.Equal(t, 49, strings.Count(s.up.Object("orders/2026-01-05/page-1.ndjson"), "\n"))
	for _, one := range s.items(ended.ID, "fetch") {
		want := 1
		if one.Key == "page-3" {
			want = 2 // it was asked too often
		}
		require.Equal(t, want, one.Attempts, "%+v", one)
	}

	// The same day again: the same objects, the same rows.
	s.completed(object{"day": "2026-01-05"}, &output)
	require.Equal(t, 230, s.up.Rows("orders 2026-01-05"))

	lost := s.broken(object{"day": "2026-01-13"}, "rows_missing")
	require.Equal(t, "fetched 230 orders, loaded 229", lost.Error.Message)
	lost.statuses(t, map[string]string{"load": "compensated", "load.compensate": "succeeded", "check": "failed"})
	require.Zero(t, s.up.Rows("orders 2026-01-13"), "they are all there, or none")
}

func TestExamplePartnerExport(t *testing.T) {
	t.Parallel()
	s := open(t, "partner_export")
	var output struct {
		Object string
		Rows   int
	}
	ended := s.completed(object{"day": "2026-01-05"}, &output)
	require.Equal(t, 42, output.Rows)
	require.True(t, strings.HasPrefix(s.up.Object(output.Object), "booking,nights\n"))
	require.Equal(t, "succeeded", ended.steps["forget"].Status)

	failed := s.broken(object{"day": "2026-01-13"}, "poll_failed")
	require.Equal(t, "ready", failed.Error.Step)
	failed.statuses(t, map[string]string{"download": "skipped upstream", "store": "skipped upstream", "forget": "succeeded"})
	require.Empty(t, s.up.Object("partner/bookings/2026-01-13.csv"))
	require.Equal(t, []string{
		"POST /partner/exports", "DELETE /partner/exports/exp-1", "POST /partner/exports", "DELETE /partner/exports/exp-1",
	}, s.done("/partner/exports"), "every export is deleted")
}

func TestExampleIncrementalLoad(t *testing.T) {
	t.Parallel()
	s := open(t, "incremental_load")
	var output struct{ From, To, Written int }
	s.completed(object{}, &output)
	require.Equal(t, 250, output.Written)
	require.Equal(t, 250, s.up.Watermark("customers"))

	again := s.completed(object{}, &output)
	require.Zero(t, output.Written)
	require.Equal(t, 250, output.From)
	again.statuses(t, map[string]string{"batches": "skipped condition", "advance": "skipped condition"})

	// The second of three batches fails: the third isn't begun, and the watermark stays.
	orders := object{"table": "orders"}
	stopped := s.broken(orders, "items_failed")
	require.Equal(t, map[string]string{"0": "succeeded", "1": "failed"}, s.states(stopped.ID, "batches"))
	require.Zero(t, s.up.Watermark("orders"))
	// The next run takes the same changes, and the batch that is there is not written twice.
	resumed := s.completed(orders, &output)
	require.Equal(t, 250, s.up.Watermark("orders"))
	require.Equal(t, 250, s.up.Rows("orders"))
	first := s.up.Calls("/warehouse/tables/orders/upsert")[0]
	require.Equal(t, "orders-0-0", first.Key)
	require.Contains(t, s.mailed(resumed.ID, 1)[0].Subject, "recovered")
}
