package upstreams

import (
	"net/http"
	"strings"
)

// lake keeps objects, stages exports, and has locks.
type lake struct {
	locks   map[string]string // who holds them
	stages  map[string]string // days, by run and region
	objects map[string]string
}

// regionRows are how many orders a region has on an ordinary day.
var regionRows = map[string]int{"eu": 700, "us": 500, "apac": 300}

func (w *World) serveLake() {
	w.on("PUT /lake/locks/{name}", func(r request) reply {
		name, run := r.PathValue("name"), r.field("run")
		if holder := w.lake.locks[name]; holder != "" && holder != run {
			return refuse(http.StatusConflict, "held by "+holder)
		}
		w.lake.locks[name] = run
		return say(http.StatusOK, map[string]any{"holder": run})
	})
	w.on("DELETE /lake/locks/{name}", func(r request) reply {
		delete(w.lake.locks, r.PathValue("name"))
		return say(http.StatusNoContent, nil)
	})
	w.on("GET /lake/exports", func(r request) reply {
		return say(http.StatusOK, map[string]any{"day": r.URL.Query().Get("day"), "regions": []string{"eu", "us", "apac"}})
	})
	w.serveStages()
	w.on("PUT /lake/objects/{key...}", func(r request) reply {
		w.lake.objects[r.PathValue("key")] = r.text
		return say(http.StatusOK, map[string]any{"key": r.PathValue("key"), "bytes": len(r.text)})
	})
}

// serveStages stages a region's export: it is ready at the second look. On an unlucky day
// `us` breaks, and on the 25th there is next to nothing.
func (w *World) serveStages() {
	w.on("POST /lake/stage/{run}/{region}", func(r request) reply {
		w.lake.stages[stageOf(r)] = r.field("day")
		return say(http.StatusAccepted, map[string]any{"state": "STAGING"})
	})
	w.on("GET /lake/stage/{run}/{region}", func(r request) reply {
		day, staged := w.lake.stages[stageOf(r)]
		rows := regionRows[r.PathValue("region")]
		if strings.HasSuffix(day, "-25") {
			rows /= 10
		}
		switch {
		case !staged:
			return refuse(http.StatusNotFound, "nothing is staged")
		case w.look("stage", stageOf(r)) < 2:
			return say(http.StatusOK, map[string]any{"state": "STAGING"})
		case unlucky(day) && r.PathValue("region") == "us":
			return say(http.StatusOK, map[string]any{"state": "BROKEN"})
		}
		return say(http.StatusOK, map[string]any{"state": "READY", "rows": rows})
	})
	w.on("DELETE /lake/stage/{run}/{region}", func(r request) reply {
		delete(w.lake.stages, stageOf(r))
		return say(http.StatusNoContent, nil)
	})
}

func stageOf(r request) string { return r.PathValue("run") + "/" + r.PathValue("region") }

// Staged are the regions that a run has staged and not removed.
func (w *World) Staged(run string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var regions []string
	for stage := range w.lake.stages {
		if of, region, _ := strings.Cut(stage, "/"); of == run {
			regions = append(regions, region)
		}
	}
	return regions
}

// Object is what the lake keeps under a key, "" when there is nothing.
func (w *World) Object(key string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lake.objects[key]
}
