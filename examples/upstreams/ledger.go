package upstreams

import (
	"net/http"
	"strings"
)

// accrual is what every entity accrues in a month, turnover what is booked.
const (
	accrual  = 1250.5
	turnover = 98000
)

// serveLedger is a ledger whose Februaries don't balance.
func (w *World) serveLedger() {
	for _, verb := range []string{"close", "reopen", "lock", "report"} {
		w.on("POST /ledger/periods/{month}/"+verb, func(r request) reply {
			return say(http.StatusOK, map[string]any{"month": r.PathValue("month")})
		})
	}
	w.on("POST /ledger/periods/{month}/accruals", func(r request) reply {
		return say(http.StatusCreated, map[string]any{"id": "acc-" + r.field("entity"), "amount": accrual})
	})
	w.on("DELETE /ledger/periods/{month}/accruals/{id}", func(request) reply { return say(http.StatusNoContent, nil) })
	w.on("GET /ledger/periods/{month}/trial-balance", func(r request) reply {
		debit := turnover
		if strings.HasSuffix(r.PathValue("month"), "-02") {
			debit--
		}
		return say(http.StatusOK, map[string]any{"state": w.later("computed", "balance", r.PathValue("month")), "debit": debit, "credit": turnover})
	})
	w.on("POST /ledger/notes", func(request) reply { return say(http.StatusCreated, map[string]any{"kept": true}) })
}
