package upstreams

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"time"
)

// The payments that the provider declines are those above mostPaid.
const mostPaid = 10000

// serveBilling has customers, invoices, payments and mail. The answer to the first attempt
// at an invoice is lost on its way, though the invoice is made.
func (w *World) serveBilling() {
	w.on("GET /crm/customers/{id}", func(r request) reply {
		id := r.PathValue("id")
		return say(http.StatusOK, map[string]any{"id": id, "address": "1 Market Square", "email": id + "@example.com"})
	})
	w.on("POST /billing/invoices", func(r request) reply {
		id := fmt.Sprintf("inv-%d", len(w.invoices)+1)
		w.invoices[id] = "open"
		made := say(http.StatusCreated, map[string]any{"id": id, "number": fmt.Sprintf("2026-%04d", len(w.invoices)), "total": r.json["total"]})
		w.done["POST /billing/invoices "+r.Header.Get("Idempotency-Key")] = made
		return refuse(http.StatusBadGateway, "the answer was lost")
	})
	w.on("POST /billing/invoices/{id}/void", func(r request) reply {
		w.invoices[r.PathValue("id")] = "void"
		return say(http.StatusOK, map[string]any{"state": "void"})
	})
	w.on("POST /payments/charges", func(r request) reply {
		outcome := "paid"
		if amount, _ := r.json["amount"].(float64); amount > mostPaid {
			outcome = "declined"
		}
		w.callBack(r.field("callback"), map[string]any{"status": outcome, "invoice": r.field("invoice")})
		return say(http.StatusAccepted, map[string]any{"state": "pending"})
	})
	w.on("POST /mailing/messages", func(r request) reply {
		return say(http.StatusAccepted, map[string]any{"to": r.field("to")})
	})
}

// callBack posts to a URL in the background, and notes what came of it as a call of the
// world's own to /callback.
func (w *World) callBack(url string, body any) {
	w.posts.Go(func() {
		raw, err := json.Marshal(body)
		if err != nil {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		post, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(raw))
		if err != nil {
			return
		}
		post.Header.Set("Content-Type", "application/json")
		call := Call{Method: http.MethodPost, Path: "/callback", Body: body}
		if answer, err := w.client.Do(post); err == nil {
			call.Status = answer.StatusCode
			_ = answer.Body.Close()
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.calls = append(w.calls, call)
	})
}

// Invoices are the states of the invoices, by ID.
func (w *World) Invoices() map[string]string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.invoices)
}
