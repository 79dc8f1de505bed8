package upstreams

import (
	"net/http"
	"strings"
)

// firstVersion is what every database has until it is upgraded.
const firstVersion = "16.4"

type database struct{ version, before string }

func (w *World) database(name string) *database {
	if w.databases[name] == nil {
		w.databases[name] = &database{version: firstVersion}
	}
	return w.databases[name]
}

// serveDatabases is a database service with the balancer before it. What takes time is done
// at the second look; a beta is installed, but doesn't work.
func (w *World) serveDatabases() {
	w.on("POST /databases/{name}/snapshots", func(r request) reply {
		return say(http.StatusAccepted, map[string]any{"id": "snap-" + r.PathValue("name")})
	})
	w.on("GET /databases/{name}/snapshots/{id}", func(r request) reply {
		return say(http.StatusOK, map[string]any{"id": r.PathValue("id"), "state": w.later("COMPLETE", "snapshot", r.PathValue("id"))})
	})
	w.on("POST /databases/{name}/upgrade", func(r request) reply {
		found := w.database(r.PathValue("name"))
		found.before, found.version = found.version, r.field("to")
		return say(http.StatusAccepted, map[string]any{"to": found.version})
	})
	w.on("POST /databases/{name}/restore", func(r request) reply {
		found := w.database(r.PathValue("name"))
		found.version = found.before
		return say(http.StatusOK, map[string]any{"version": found.version})
	})
	w.on("GET /databases/{name}", func(r request) reply {
		found := w.database(r.PathValue("name"))
		return say(http.StatusOK, map[string]any{"version": found.version, "state": w.later("AVAILABLE", "upgrade", r.PathValue("name"), found.version)})
	})
	w.on("GET /databases/{name}/smoke-test", func(r request) reply {
		if strings.HasSuffix(w.database(r.PathValue("name")).version, "-beta") {
			return refuse(http.StatusInternalServerError, "relation orders can't be read")
		}
		return say(http.StatusOK, map[string]any{"passed": true})
	})
	w.on("PUT /balancer/targets/{name}", func(r request) reply {
		return say(http.StatusOK, map[string]any{"state": r.field("state")})
	})
}

// later is the state that something has from the second look on.
func (w *World) later(state string, what ...string) string {
	if w.look(what...) < 2 {
		return "BUSY"
	}
	return state
}

// DatabaseVersion is the version that a database has.
func (w *World) DatabaseVersion(name string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.database(name).version
}
