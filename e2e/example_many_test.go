package e2e_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestExampleErasure(t *testing.T) {
	t.Parallel()
	s := open(t, "erasure")
	s.up.Down("/mailing")

	// One service is away: the others erase all the same, and there is no certificate.
	input := object{"subject": "p-1001", "request": "r-1"}
	failed := s.broken(input, "items_failed")
	require.Equal(t, map[string]string{
		"crm": "succeeded", "shop": "succeeded", "mailing": "failed", "support": "succeeded", "analytics": "succeeded",
	}, s.states(failed.ID, "erase"))
	for _, one := range s.items(failed.ID, "remove") {
		switch one.Key {
		case "support":
			require.Equal(t, 2, one.Attempts, "409 is tried again")
		case "analytics":
			require.Equal(t, "tolerated", one.Reason, "404 is done")
			require.Equal(t, 1, one.Attempts)
		}
	}
	require.Empty(t, s.done("/privacy/certificates"))
	require.Equal(t, object{"outcome": "failed", "missing": []any{"mailing"}}, s.told("/privacy/requests/r-1"))

	// Once it is back, what is left is erased.
	s.up.Up("/mailing")
	var output struct {
		Certificate string
		Services    int
	}
	s.completed(input, &output)
	require.Equal(t, "cert-r-1", output.Certificate)
	require.Equal(t, 5, output.Services)
	require.Len(t, s.told("/privacy/certificates")["receipts"], 5)
	require.Equal(t, object{"outcome": "succeeded", "missing": []any{}}, s.told("/privacy/requests/r-1"))
	require.Len(t, s.done("/crm/subjects/p-1001", "/shop/subjects/p-1001", "/mailing/subjects/p-1001", "/support/subjects/p-1001"), 4, "each once")

	held := s.broken(object{"subject": "p-1002", "request": "r-2"}, "legal_hold")
	require.Contains(t, held.Error.Message, "case 17/26")
	require.Empty(t, s.up.Calls("/crm/subjects/p-1002"))
	require.Equal(t, object{"outcome": "failed", "missing": []any{}}, s.told("/privacy/requests/r-2"))
}

func TestExampleTenantReports(t *testing.T) {
	t.Parallel()
	s := open(t, "tenant_reports")
	var output struct {
		Reports, Calls int
		Missing        []string
	}
	ended := s.completed(object{"month": "2026-01"}, &output)
	require.Equal(t, 4, output.Reports)
	require.Equal(t, 2500, output.Calls)
	var steps []struct{ Run, Report string }
	require.NoError(t, json.Unmarshal(s.step(ended.ID, "reports").Output, &steps))
	require.Len(t, steps, 4)
	child := s.over(steps[0].Run)
	require.Equal(t, "tenant_report", child.Job)
	require.Equal(t, "job", child.Trigger.Kind)
	require.Equal(t, ended.ID, child.Trigger.Parent)
	require.Equal(t, "succeeded", child.steps["render"].Status)

	// A tenant without usage is missing; that is within what may fail.
	s.completed(object{"month": "2026-03"}, &output)
	require.Equal(t, []string{"initech"}, output.Missing)
	require.Equal(t, 3, output.Reports)
	require.Equal(t, []any{"initech"}, s.told("/reports/index")["missing"])

	// All of them are not.
	s.up.Down("/reports/reports")
	none := s.broken(object{"month": "2026-04"}, "items_failed")
	for _, one := range s.items(none.ID, "reports") {
		if one.Status == "failed" {
			assert.Equal(t, "child_failed", one.Error.Code)
		}
	}
	require.Len(t, s.done("/reports/index"), 2)
	require.Len(t, s.mailed(none.ID, 1), 1, "the parent tells, its children don't")
}

func TestExampleHealthMonitor(t *testing.T) {
	t.Parallel()
	s := open(t, "health_monitor")
	var output struct{ Up int }
	s.completed(object{}, &output)
	require.Equal(t, 3, output.Up)
	require.Empty(t, s.done("/ops/incidents"))

	// One outage, two runs that see it, one incident.
	s.up.Down("/fleet/search")
	first := s.broken(object{}, "services_down")
	require.Equal(t, "down: search", first.Error.Message)
	first.statuses(t, map[string]string{"probe": "succeeded", "open": "succeeded", "resolve": "skipped condition", "status": "succeeded"})
	second := s.broken(object{}, "services_down")
	second.statuses(t, map[string]string{"open": "skipped condition"})
	require.Equal(t, []string{"POST /ops/incidents"}, s.done("/ops/incidents"))
	require.Equal(t, []any{"search"}, s.told("/ops/status")["down"])

	s.up.Up("/fleet/search")
	well := s.completed(object{}, &output)
	require.Equal(t, []string{"POST /ops/incidents", "POST /ops/incidents/inc-1/resolve"}, s.done("/ops/incidents"))
	require.Contains(t, s.mailed(well.ID, 1)[0].Subject, "recovered")
}
