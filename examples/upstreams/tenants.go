package upstreams

import (
	"net/http"
	"strings"
)

// serveTenants has tenants with their usage, and the reports on it. One of them has none in March.
func (w *World) serveTenants() {
	w.on("GET /tenants/tenants", func(request) reply {
		var tenants []map[string]any
		for _, id := range []string{"acme", "globex", "initech", "umbrella"} {
			tenants = append(tenants, map[string]any{"id": id, "name": strings.ToUpper(id)})
		}
		return say(http.StatusOK, map[string]any{"tenants": tenants})
	})
	w.on("GET /tenants/tenants/{tenant}/usage", func(r request) reply {
		tenant := r.PathValue("tenant")
		if tenant == "initech" && strings.HasSuffix(r.URL.Query().Get("month"), "-03") {
			return refuse(http.StatusUnprocessableEntity, "no usage is known")
		}
		return say(http.StatusOK, map[string]any{"calls": 100 * len(tenant)})
	})
	w.on("POST /reports/reports", func(r request) reply {
		return say(http.StatusCreated, map[string]any{"id": "rep-" + r.field("tenant")})
	})
	w.on("POST /reports/index", func(request) reply { return say(http.StatusCreated, map[string]any{"kept": true}) })
}
