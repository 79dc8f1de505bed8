package devstack

import (
	"encoding/json"
	"html/template"
	"net/http"
	"strings"
)

const outboxPage = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Outbox</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 50rem; margin: 2rem auto; padding: 0 1rem; }
article { border-top: 1px solid #bbb; padding: 1rem 0; }
h2 { font-size: 1.1rem; margin: 0; }
p { color: #555; margin: 0; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: #f4f4f4; padding: .75rem; }
</style>
</head>
<body>
<h1>Outbox</h1>
<p>What this development stack has sent, newest first. Nothing left the machine.</p>
{{range .}}<article>
<h2>{{.Subject}}</h2>
<p>{{.Channel}} to {{.To}} · <time datetime="{{.At.Format "2006-01-02T15:04:05Z07:00"}}">{{.At.Format "2006-01-02 15:04:05 MST"}}</time></p>
<pre>{{.Text}}</pre>
</article>
{{else}}<p>Nothing yet.</p>
{{end}}</body>
</html>
`

// view answers JSON to those who ask for it, and a page to browsers.
func (o *outbox) view() http.Handler {
	page := template.Must(template.New("outbox").Parse(outboxPage))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Vary", "Accept")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if strings.Contains(r.Header.Get("Accept"), "text/html") {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
			_ = page.Execute(w, o.newest())
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"items": o.newest()})
	})
}
