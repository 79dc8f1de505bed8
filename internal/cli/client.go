package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/fairlead/fairlead/gateway/api"
)

const (
	// tries is how often a request that may be repeated is sent at most.
	tries = 4
	// firstDelay is the pause before the second try; it doubles with each further one.
	firstDelay = 200 * time.Millisecond
	// maxDelay bounds how long a server's Retry-After is followed.
	maxDelay = 5 * time.Second
)

// client makes a client of the gateway, with the caller's token.
func (a *App) client() (*api.ClientWithResponses, error) {
	gateway, err := a.gatewayURL()
	if err != nil {
		return nil, err
	}
	base, err := url.Parse(gateway)
	if err != nil || base.Host == "" || (base.Scheme != "http" && base.Scheme != "https") {
		return nil, fmt.Errorf("--url %q is not a URL such as https://fairlead.example", gateway)
	}
	token, err := a.token()
	if err != nil {
		return nil, err
	}
	return api.NewClientWithResponses(gateway,
		api.WithHTTPClient(&doer{client: &http.Client{}, host: base.Host}),
		api.WithRequestEditorFn(func(_ context.Context, request *http.Request) error {
			request.Header.Set("Authorization", "Bearer "+token)
			request.Header.Set("User-Agent", a.Name)
			return nil
		}))
}

const (
	// devFolder is where the dev stack keeps its admin's token, and on which ports it is.
	devFolder = ".fairlead"
	devToken  = "token"
	devPorts  = "ports.json"
	// defaultURL is the gateway's where nothing says otherwise.
	defaultURL = "http://127.0.0.1:4000"
)

// gatewayURL finds the gateway: --url or FAIRLEAD_URL, or the dev stack's in this folder or above.
func (a *App) gatewayURL() (string, error) {
	if a.url != "" {
		return a.url, nil
	}
	folder, ok := a.stackFolder()
	if !ok || !exists(filepath.Join(folder, devPorts)) {
		return defaultURL, nil
	}
	raw, err := os.ReadFile(filepath.Join(folder, devPorts)) //nolint:gosec // the dev stack's
	if err != nil {
		return "", fmt.Errorf("where the dev stack is: %w: make it readable, or name the gateway with --url or FAIRLEAD_URL", err)
	}
	var ports struct{ Gateway int }
	if err := json.Unmarshal(raw, &ports); err != nil || ports.Gateway == 0 {
		return "", fmt.Errorf("%s does not say where the dev stack is: start the stack again, or name the gateway with --url or FAIRLEAD_URL", filepath.Join(folder, devPorts))
	}
	return "http://127.0.0.1:" + strconv.Itoa(ports.Gateway), nil
}

// token finds the caller's token: --token-file, FAIRLEAD_TOKEN, or the dev stack's in this folder or above.
func (a *App) token() (string, error) {
	if a.tokenFile != "" {
		return readToken(a.path(a.tokenFile))
	}
	if token := a.env("FAIRLEAD_TOKEN", ""); token != "" {
		return strings.TrimSpace(token), nil
	}
	folder, ok := a.stackFolder()
	if !ok {
		return "", fmt.Errorf("no token: set FAIRLEAD_TOKEN or --token-file; the dev stack writes one to %s/%s of the folder it is started in", devFolder, devToken)
	}
	return readToken(filepath.Join(folder, devToken))
}

// stackFolder finds a dev stack's folder in the working directory, else in the folder above
// it, and so on: address and token are of one stack.
func (a *App) stackFolder() (folder string, ok bool) {
	for dir := a.Dir; ; dir = filepath.Dir(dir) {
		folder = filepath.Join(dir, devFolder)
		if exists(filepath.Join(folder, devToken)) || exists(filepath.Join(folder, devPorts)) {
			return folder, true
		}
		if dir == filepath.Dir(dir) {
			return "", false
		}
	}
}

// exists is also true for what can't be looked at: reading it says why.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

func readToken(path string) (string, error) {
	raw, err := os.ReadFile(path) //nolint:gosec // the file that the caller named
	if err != nil {
		return "", fmt.Errorf("token: %w", err)
	}
	token := strings.TrimSpace(string(raw))
	if token == "" || strings.ContainsAny(token, " \n\r\t") {
		return "", fmt.Errorf("token: %s does not hold one token", path)
	}
	return token, nil
}

// path makes a file's name absolute.
func (a *App) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(a.Dir, name)
}

// doer sends requests, again where that is harmless and may help.
type doer struct {
	client *http.Client
	host   string
}

// Do sends the request until it is answered, at most [tries] times.
func (d *doer) Do(request *http.Request) (*http.Response, error) {
	delay := firstDelay
	for try := 1; ; try++ {
		response, err := d.client.Do(request) //nolint:gosec // the caller's own --url
		wait, again := repeat(request, response, err, delay)
		if !again || try == tries {
			return response, d.explain(err)
		}
		if response != nil {
			_ = response.Body.Close()
		}
		if request.GetBody != nil {
			body, err := request.GetBody()
			if err != nil {
				return nil, err
			}
			request.Body = body
		}
		select {
		case <-time.After(wait):
		case <-request.Context().Done():
			return nil, request.Context().Err()
		}
		delay *= 2
	}
}

// repeat says whether to send the request once more, and after how long: it must be
// idempotent, and must have failed for want of a connection or of a part of the service.
func repeat(request *http.Request, response *http.Response, err error, delay time.Duration) (time.Duration, bool) {
	harmless := request.Method != http.MethodPost || request.Header.Get("Idempotency-Key") != ""
	if !harmless || request.Context().Err() != nil || (request.Body != nil && request.Body != http.NoBody && request.GetBody == nil) {
		return 0, false
	}
	if err != nil {
		return delay, true
	}
	if response.StatusCode != http.StatusServiceUnavailable && response.StatusCode != http.StatusTooManyRequests {
		return 0, false
	}
	seconds, err := strconv.Atoi(response.Header.Get("Retry-After"))
	if err != nil {
		return delay, true
	}
	return min(time.Duration(seconds)*time.Second, maxDelay), true
}

// explain says what to do about a missing connection.
func (d *doer) explain(err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if failed, ok := errors.AsType[*url.Error](err); ok {
		err = failed.Err
	}
	if errors.Is(err, io.EOF) {
		err = errors.New("it hung up without an answer")
	}
	return fmt.Errorf("can't reach the gateway at %s: %w. Is it up? Start the dev stack with `go tool task dev`, or name another gateway with --url", d.host, err)
}
