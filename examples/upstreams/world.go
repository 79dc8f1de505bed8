// Package upstreams plays the systems that the examples call: a lake, a warehouse, a shop, a
// ledger and so on. They are small, but they keep what they are told: an export becomes ready,
// a row that was written is there, a call that is repeated with its Idempotency-Key is done once.
//
// Some of it goes wrong for everybody in the same way: whatever is of the 13th of a month is
// unlucky, and any system can be taken down and up again.
package upstreams

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
)

// Call is a request as the world saw it.
type Call struct {
	// Method and Path as they came, without the query.
	Method, Path string
	// Key is the Idempotency-Key.
	Key string
	// Body is the decoded JSON of the body, its text where it is none, nil without one.
	Body any
	// Status is what was answered.
	Status int
	// Repeated says that the call had been done before, and was answered as it was then.
	Repeated bool
}

// World is all the systems. The zero value is not usable: see [New].
type World struct {
	mux    *http.ServeMux
	client http.Client
	posts  sync.WaitGroup

	mu    sync.Mutex
	calls []Call
	done  map[string]reply // by method, path and key
	down  map[string]bool  // beginnings of paths
	// looks counts how often something was asked for: what takes time is ready at a later look.
	looks map[string]int

	lake      lake
	warehouse warehouse
	databases map[string]*database
	invoices  map[string]string // states, by ID
	erased    map[string]bool   // by service and subject
	exports   map[string]string // days, by ID
	incidents []incident
}

// New returns a world in which nothing has happened yet.
func New() *World {
	w := &World{
		mux: http.NewServeMux(), done: map[string]reply{}, down: map[string]bool{}, looks: map[string]int{},
		lake:      lake{locks: map[string]string{}, stages: map[string]string{}, objects: map[string]string{}},
		warehouse: warehouse{rows: map[string]int{}, results: map[string]int{}, marks: map[string]int{}},
		databases: map[string]*database{}, invoices: map[string]string{}, erased: map[string]bool{}, exports: map[string]string{},
	}
	for _, routes := range []func(){
		w.serveLake, w.serveWarehouse, w.serveShop, w.serveDatabases, w.serveBilling,
		w.serveLedger, w.servePrivacy, w.servePartner, w.serveTenants, w.serveFleet, w.serveSwitches,
	} {
		routes()
	}
	w.on("/", func(request) reply { return refuse(http.StatusNotFound, "there is no such thing here") })
	return w
}

// Close waits until the world has told all that it had to tell.
func (w *World) Close() {
	w.posts.Wait()
	w.client.CloseIdleConnections()
}

// Systems are the world's parts: each is a team variable with the URL of the same path.
func Systems() []string {
	return []string{
		"analytics", "balancer", "billing", "crm", "databases", "fleet", "lake", "ledger", "mailing",
		"ops", "partner", "payments", "privacy", "reports", "shop", "support", "tenants", "warehouse",
	}
}

// Calls are the calls so far whose path begins with one of the prefixes, in order.
func (w *World) Calls(prefixes ...string) []Call {
	w.mu.Lock()
	defer w.mu.Unlock()
	var found []Call
	for _, call := range w.calls {
		for _, prefix := range prefixes {
			if strings.HasPrefix(call.Path, prefix) {
				found = append(found, call)
				break
			}
		}
	}
	return found
}

// Down has every call whose path begins with the prefix answered 503, until [World.Up].
func (w *World) Down(prefix string) { w.turn(prefix, true) }

// Up ends a [World.Down].
func (w *World) Up(prefix string) { w.turn(prefix, false) }

func (w *World) turn(prefix string, down bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.down[prefix] = down
}

// serveSwitches lets people take systems down: PUT and DELETE /-/down/PATH.
func (w *World) serveSwitches() {
	for method, down := range map[string]bool{http.MethodPut: true, http.MethodDelete: false} {
		w.mux.HandleFunc(method+" /-/down/{path...}", func(out http.ResponseWriter, r *http.Request) {
			w.turn("/"+r.PathValue("path"), down)
			out.WriteHeader(http.StatusNoContent)
		})
	}
}

// request is a request, read.
type request struct {
	*http.Request
	text string
	json map[string]any
}

// field is a text in the body, "" when there is none.
func (r request) field(name string) string {
	text, _ := r.json[name].(string)
	return text
}

// reply is an answer: its body is sent as JSON, but for a string, which is sent as text.
type reply struct {
	status int
	body   any
	header map[string]string
}

func say(status int, body any) reply { return reply{status: status, body: body} }

func refuse(status int, why string) reply { return say(status, map[string]any{"error": why}) }

// ServeHTTP answers one call.
func (w *World) ServeHTTP(out http.ResponseWriter, r *http.Request) { w.mux.ServeHTTP(out, r) }

// on serves a route. Its handler is called under the world's lock, and not for a call
// with side effects that was done before.
func (w *World) on(pattern string, handle func(request) reply) {
	w.mux.HandleFunc(pattern, func(out http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		call := request{Request: r, text: string(raw)}
		_ = json.Unmarshal(raw, &call.json) // not every body is an object
		w.answer(call, handle).send(out)
	})
}

func (w *World) answer(r request, handle func(request) reply) reply {
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := Call{Method: r.Method, Path: r.URL.Path, Key: r.Header.Get("Idempotency-Key"), Body: decoded(r.text)}
	id := strings.Join([]string{seen.Method, seen.Path, seen.Key}, " ")
	answer, repeated := w.done[id]
	switch {
	case w.isDown(r.URL.Path):
		answer = refuse(http.StatusServiceUnavailable, "down")
	case !repeated:
		if answer = handle(r); answer.status < http.StatusBadRequest && r.Method != http.MethodGet {
			w.done[id] = answer
		}
	}
	seen.Status, seen.Repeated = answer.status, repeated
	w.calls = append(w.calls, seen)
	return answer
}

func (w *World) isDown(path string) bool {
	for prefix, down := range w.down {
		if down && strings.HasPrefix(path, prefix) {
			return true
		}
	}
	return false
}

// look counts, and returns how often this was looked at, from 1.
func (w *World) look(what ...string) int {
	key := strings.Join(what, " ")
	w.looks[key]++
	return w.looks[key]
}

func (a reply) send(out http.ResponseWriter) {
	for name, value := range a.header {
		out.Header().Set(name, value)
	}
	if text, ok := a.body.(string); ok {
		out.Header().Set("Content-Type", "text/plain; charset=utf-8")
		out.WriteHeader(a.status)
		_, _ = io.WriteString(out, text)
		return
	}
	if a.body != nil {
		out.Header().Set("Content-Type", "application/json")
	}
	out.WriteHeader(a.status)
	if a.body != nil {
		_ = json.NewEncoder(out).Encode(a.body)
	}
}

func decoded(text string) any {
	var value any
	switch {
	case text == "":
		return nil
	case json.Unmarshal([]byte(text), &value) != nil:
		return text
	}
	return value
}

// unlucky says whether a day (2026-01-13) is one on which things go wrong.
func unlucky(day string) bool { return strings.HasSuffix(day, "-13") }
