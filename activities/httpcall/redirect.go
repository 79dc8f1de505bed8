package httpcall

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/fairlead/fairlead/activities"
)

// maxRedirects is how many a request follows.
const maxRedirects = 10

// redirect returns the client's rule. GET and HEAD follow every redirect,
// other methods only 307 and 308, which keep method and body (RFC 9110,
// section 15.4); an answer that isn't followed is the step's answer.
// Credentials stay with the origin they were given for.
func (in *input) redirect(log activities.StepLog) func(req *http.Request, via []*http.Request) error {
	return func(req *http.Request, via []*http.Request) error {
		last, status := via[len(via)-1], req.Response.StatusCode
		keeps := status == http.StatusTemporaryRedirect || status == http.StatusPermanentRedirect
		switch {
		case !keeps && last.Method != http.MethodGet && last.Method != http.MethodHead:
			return http.ErrUseLastResponse
		case req.URL.Scheme != "http" && req.URL.Scheme != "https":
			return in.fail(nil, "redirect_refused", false,
				fmt.Sprintf("redirects to the scheme %q, which can't be followed", in.line(req.URL.Scheme, 40)))
		case len(via) > maxRedirects:
			return in.fail(nil, "too_many_redirects", false,
				fmt.Sprintf("redirected more than %d times, at last to %s", maxRedirects, in.showNext(req.URL)))
		}
		// It would tell the query of this URL to whoever is next.
		req.Header.Del("Referer")
		if !sameOrigin(append(via[1:len(via):len(via)], req), via[0].URL) {
			for name := range req.Header {
				if sensitive(name) {
					req.Header.Del(name)
				}
			}
		}
		log.Log(slog.LevelInfo, "redirect", slog.Int("status", status), slog.String("url", in.showNext(req.URL)))
		return nil
	}
}

// sameOrigin reports whether all requests go where the first URL went; a step
// up from http to https on the same host, both on their own ports, counts as that.
func sameOrigin(requests []*http.Request, first *url.URL) bool {
	for _, req := range requests {
		same := req.URL.Scheme == first.Scheme && req.URL.Host == first.Host
		upgrade := first.Scheme == "http" && req.URL.Scheme == "https" &&
			req.URL.Hostname() == first.Hostname() && first.Port() == "" && req.URL.Port() == ""
		if !same && !upgrade {
			return false
		}
	}
	return true
}
