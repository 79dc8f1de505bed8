package upstreams

import (
	"net/http"
	"strconv"
)

type incident struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	State string `json:"state"`
}

// serveFleet has services that are well unless they are down, and the incidents about them.
func (w *World) serveFleet() {
	w.on("GET /fleet/{service}/health", func(r request) reply {
		return say(http.StatusOK, map[string]any{"service": r.PathValue("service"), "well": true})
	})
	w.on("GET /ops/incidents", func(r request) reply {
		found := []incident{}
		for _, one := range w.incidents {
			if state := r.URL.Query().Get("state"); state == "" || state == one.State {
				found = append(found, one)
			}
		}
		return say(http.StatusOK, map[string]any{"incidents": found})
	})
	w.on("POST /ops/incidents", func(r request) reply {
		opened := incident{ID: "inc-" + strconv.Itoa(len(w.incidents)+1), Title: r.field("title"), State: "open"}
		w.incidents = append(w.incidents, opened)
		return say(http.StatusCreated, opened)
	})
	w.on("POST /ops/incidents/{id}/resolve", func(r request) reply {
		for i := range w.incidents {
			if w.incidents[i].ID == r.PathValue("id") {
				w.incidents[i].State = "resolved"
				return say(http.StatusOK, w.incidents[i])
			}
		}
		return refuse(http.StatusNotFound, "no such incident")
	})
	w.on("PUT /ops/status", func(request) reply { return say(http.StatusOK, map[string]any{"kept": true}) })
}
