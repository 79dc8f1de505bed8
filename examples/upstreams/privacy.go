package upstreams

import "net/http"

// servePrivacy is the privacy office, and the five services' ways to erase somebody: the
// support desk is writing when it is asked first, analytics knows nobody.
func (w *World) servePrivacy() {
	w.on("GET /privacy/holds/{subject}", func(r request) reply {
		if r.PathValue("subject") == "p-1002" {
			return say(http.StatusOK, map[string]any{"held": true, "reason": "case 17/26"})
		}
		return say(http.StatusOK, map[string]any{"held": false})
	})
	w.on("POST /privacy/certificates", func(r request) reply {
		return say(http.StatusCreated, map[string]any{"id": "cert-" + r.field("request")})
	})
	w.on("PUT /privacy/requests/{id}", func(request) reply { return say(http.StatusOK, map[string]any{"kept": true}) })
	for _, service := range []string{"crm", "shop", "mailing", "support", "analytics"} {
		w.on("DELETE /"+service+"/subjects/{subject}", func(r request) reply {
			subject := service + " " + r.PathValue("subject")
			switch {
			case service == "analytics" || w.erased[subject]:
				return refuse(http.StatusNotFound, "nobody of that name")
			case service == "support" && w.look("busy", subject) == 1:
				return refuse(http.StatusConflict, "being written")
			}
			w.erased[subject] = true
			return say(http.StatusAccepted, map[string]any{"state": "ERASING"})
		})
		w.on("GET /"+service+"/erasures/{subject}", func(r request) reply {
			subject := service + " " + r.PathValue("subject")
			return say(http.StatusOK, map[string]any{"state": w.later("ERASED", "erasure", subject), "receipt": service + "-" + r.PathValue("subject")})
		})
	}
}
