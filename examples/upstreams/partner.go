package upstreams

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// exportRows are in every export.
const exportRows = 42

// servePartner makes exports, in its own time: the second look is one too many, the third
// finds it ready, or failed on an unlucky day.
func (w *World) servePartner() {
	w.on("POST /partner/exports", func(r request) reply {
		id := "exp-" + strconv.Itoa(len(w.exports)+1)
		w.exports[id] = r.field("day")
		return say(http.StatusAccepted, map[string]any{"id": id, "state": "RUNNING"})
	})
	w.on("GET /partner/exports/{id}", func(r request) reply {
		id := r.PathValue("id")
		day, known := w.exports[id]
		if !known {
			return refuse(http.StatusNotFound, "no such export")
		}
		switch look := w.look("export", id); {
		case look == 1:
			return say(http.StatusOK, map[string]any{"state": "RUNNING"})
		case look == 2:
			return reply{status: http.StatusTooManyRequests, body: map[string]any{"error": "ask less often"}, header: map[string]string{"Retry-After": "1"}}
		case unlucky(day):
			return say(http.StatusOK, map[string]any{"state": "FAILED"})
		}
		return say(http.StatusOK, map[string]any{"state": "READY", "rows": exportRows, "url": "http://" + r.Host + "/partner/files/" + id + ".csv"})
	})
	w.on("GET /partner/files/{file}", func(request) reply {
		var csv strings.Builder
		csv.WriteString("booking,nights\n")
		for n := range exportRows {
			fmt.Fprintf(&csv, "b-%03d,%d\n", n, 1+n%7)
		}
		return say(http.StatusOK, csv.String())
	})
	w.on("DELETE /partner/exports/{id}", func(r request) reply {
		delete(w.exports, r.PathValue("id"))
		return say(http.StatusNoContent, nil)
	})
}
