package upstreams

import (
	"fmt"
	"net/http"
	"strconv"
)

const (
	// ordersADay are in the shop, changedRows in its list of changes.
	ordersADay  = 230
	changedRows = 250
)

// serveShop lists orders in pages and changes by number. It is asked too often when page 3
// of a day is asked for the first time.
func (w *World) serveShop() {
	w.on("GET /shop/orders", func(r request) reply {
		day, page := r.URL.Query().Get("day"), number(r, "page")
		size := max(number(r, "size"), 1)
		if page == 3 && w.look("page", day) == 1 {
			return reply{status: http.StatusTooManyRequests, body: map[string]any{"error": "slow down"}, header: map[string]string{"Retry-After": "1"}}
		}
		orders := []map[string]any{}
		for n := (page - 1) * size; n < min(page*size, ordersADay); n++ {
			orders = append(orders, map[string]any{"id": fmt.Sprintf("%s-%04d", day, n), "total": 10 + n%90})
		}
		return say(http.StatusOK, map[string]any{"page": page, "pages": (ordersADay + size - 1) / size, "orders": orders})
	})
	w.on("GET /shop/changes/{table}", func(r request) reply {
		since := number(r, "since")
		rows := []map[string]any{}
		for n := since + 1; n <= changedRows; n++ {
			rows = append(rows, map[string]any{"id": n, "name": "customer " + strconv.Itoa(n)})
		}
		return say(http.StatusOK, map[string]any{"rows": rows, "upTo": max(since, changedRows)})
	})
}

// number is a number in the query, 0 when there is none.
func number(r request, name string) int {
	n, _ := strconv.Atoi(r.URL.Query().Get(name))
	return n
}
