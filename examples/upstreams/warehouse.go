package upstreams

import (
	"net/http"
	"strconv"
	"strings"
)

// warehouse runs SQL statements, takes rows, and has watermarks.
type warehouse struct {
	rows       map[string]int // by table, or table and day
	statements []string
	results    map[string]int // how many rows a statement touched, by ID
	marks      map[string]int // by table
}

// serveWarehouse has room for one batch of the table `orders`, then for none for two attempts,
// then for all.
func (w *World) serveWarehouse() {
	w.on("POST /warehouse/statements", func(r request) reply {
		w.warehouse.statements = append(w.warehouse.statements, r.field("sql"))
		id := "q-" + strconv.Itoa(len(w.warehouse.statements))
		w.warehouse.results[id] = w.execute(r)
		return say(http.StatusAccepted, map[string]any{"id": id})
	})
	w.on("GET /warehouse/statements/{id}", func(r request) reply {
		id := r.PathValue("id")
		rows, known := w.warehouse.results[id]
		switch {
		case !known:
			return refuse(http.StatusNotFound, "no such statement")
		case w.look("statement", id) < 2:
			return say(http.StatusOK, map[string]any{"id": id, "state": "STARTED"})
		}
		return say(http.StatusOK, map[string]any{"id": id, "state": "FINISHED", "rows": rows})
	})
	w.on("POST /warehouse/tables/{table}/partitions", func(r request) reply {
		regions, _ := r.json["regions"].([]any)
		w.warehouse.rows["partition "+r.field("day")] = len(regions)
		return say(http.StatusCreated, map[string]any{"day": r.field("day"), "regions": len(regions)})
	})
	w.on("POST /warehouse/tables/{table}/upsert", func(r request) reply {
		table := r.PathValue("table")
		rows, _ := r.json["rows"].([]any)
		if table == "orders" && w.look("upsert", table) > 1 && w.look("full", table) <= 2 {
			return refuse(http.StatusServiceUnavailable, "no space is left for a moment")
		}
		w.warehouse.rows[table] += len(rows)
		return say(http.StatusOK, map[string]any{"written": len(rows)})
	})
	w.serveWatermarks()
}

// execute does what a statement says, and returns how many rows it touched: a COPY as many
// as the objects have lines, one less on an unlucky day.
func (w *World) execute(r request) int {
	parameters, _ := r.json["parameters"].(map[string]any)
	day, _ := parameters["day"].(string)
	before := w.warehouse.rows["orders "+day]
	delete(w.warehouse.rows, "orders "+day)
	if !strings.HasPrefix(r.field("sql"), "COPY") {
		return before
	}
	rows := 0
	objects, _ := parameters["objects"].([]any)
	for _, key := range objects {
		key, _ := key.(string)
		rows += len(strings.Split(w.lake.objects[key], "\n"))
	}
	if unlucky(day) {
		rows--
	}
	w.warehouse.rows["orders "+day] = rows
	return rows
}

// serveWatermarks has them changed by those only who know what they were.
func (w *World) serveWatermarks() {
	etag := func(table string) string { return strconv.Quote("v" + strconv.Itoa(w.warehouse.marks[table])) }
	w.on("GET /warehouse/watermarks/{table}", func(r request) reply {
		table := r.PathValue("table")
		return reply{status: http.StatusOK, body: map[string]any{"value": w.warehouse.marks[table]}, header: map[string]string{"ETag": etag(table)}}
	})
	w.on("PUT /warehouse/watermarks/{table}", func(r request) reply {
		table := r.PathValue("table")
		value, isNumber := r.json["value"].(float64)
		switch {
		case r.Header.Get("If-Match") != etag(table):
			return refuse(http.StatusPreconditionFailed, "the watermark has moved")
		case !isNumber:
			return refuse(http.StatusBadRequest, "a watermark is a number")
		}
		w.warehouse.marks[table] = int(value)
		return say(http.StatusOK, map[string]any{"value": w.warehouse.marks[table]})
	})
}

// Rows are how many rows the warehouse has: of a table, or of "orders DAY".
func (w *World) Rows(of string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.warehouse.rows[of]
}

// Watermark is a table's.
func (w *World) Watermark(table string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.warehouse.marks[table]
}
