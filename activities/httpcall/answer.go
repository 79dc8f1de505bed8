package httpcall

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding/htmlindex"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/internal/job"
)

// errorBytes is how much is read of the body of an answer that is an error.
const errorBytes = 4 << 10

// answer is a response as the step returns it.
type answer struct {
	output json.RawMessage
	// size is how many bytes of the body were read, decompressed.
	size int
}

// output is schema/actions/http.json's output.
type output struct {
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Body    json.RawMessage   `json:"body"`
}

// read reads a response and judges it. The answer's size is known even beside an error.
func (in *input) read(ctx context.Context, resp *http.Response, now func() time.Time) (answer, error) {
	if resp.StatusCode < http.StatusOK {
		return answer{}, in.fail(nil, "response_malformed", false, fmt.Sprintf("answered %s, which is no final answer", status(resp)))
	}
	if resp.StatusCode >= http.StatusBadRequest {
		return in.readError(ctx, resp, now)
	}
	if resp.ContentLength > in.MaxBytes && in.Method != http.MethodHead {
		return answer{}, in.tooLarge(resp)
	}
	raw, err := in.readBody(ctx, resp, in.MaxBytes+1)
	read := answer{size: len(raw)}
	if err != nil {
		return read, err
	}
	if int64(len(raw)) > in.MaxBytes {
		return read, in.tooLarge(resp)
	}
	body, err := in.value(resp, raw)
	if err != nil {
		return read, err
	}
	read.output, err = encode(output{Status: resp.StatusCode, Headers: headers(resp.Header), Body: body})
	return read, err
}

// readError turns an answer of 4xx or 5xx into the failure http_status.
func (in *input) readError(ctx context.Context, resp *http.Response, now func() time.Time) (answer, error) {
	raw, err := in.readBody(ctx, resp, errorBytes)
	if err != nil && ctx.Err() != nil {
		return answer{size: len(raw)}, err
	}
	message := "answered " + status(resp)
	// A whole rune may have been cut in half at the bound, and the secrets
	// that the server repeats must go before the line is cut.
	if line := in.line(string(raw), maxShown); line != "" {
		message += ": " + line
	}
	failure := in.fail(nil, "http_status", retryableStatus(resp.StatusCode), message)
	failure.Status = resp.StatusCode
	if failure.Retryable {
		failure.RetryAfter = activities.RetryAfter(resp.Header, now())
	}
	return answer{size: len(raw)}, failure
}

// readBody reads up to limit bytes of the body, decompressed.
func (in *input) readBody(ctx context.Context, resp *http.Response, limit int64) ([]byte, error) {
	if in.Method == http.MethodHead || resp.Body == http.NoBody {
		return nil, nil
	}
	var body io.Reader = resp.Body
	switch coding := strings.ToLower(resp.Header.Get("Content-Encoding")); coding {
	case "", "identity":
	case "gzip", "x-gzip": // sent though the step asked for something else: the transport undoes only what it asked for
		unzipped, err := gzip.NewReader(body)
		if err != nil {
			return nil, in.bodyError(ctx, resp, 0, err)
		}
		resp.Header.Del("Content-Encoding")
		resp.Header.Del("Content-Length")
		body = unzipped
	default:
		return nil, in.fail(nil, "response_not_text", false,
			fmt.Sprintf("answered %s in the Content-Encoding %q, which can't be read", status(resp), in.line(coding, 40)))
	}
	raw, err := io.ReadAll(io.LimitReader(body, limit))
	if err != nil {
		return raw, in.bodyError(ctx, resp, len(raw), err)
	}
	return raw, nil
}

// bodyError is the failure of a body that couldn't be read to its end.
func (in *input) bodyError(ctx context.Context, resp *http.Response, size int, err error) error {
	if ended := in.ended(ctx, fmt.Sprintf("sent %d bytes and was not done", size)); ended != nil {
		return ended
	}
	var (
		timeout net.Error
		corrupt flate.CorruptInputError
	)
	switch {
	case errors.As(err, &timeout) && timeout.Timeout():
		return in.fail(err, "timeout", true, fmt.Sprintf("answered %s, then sent nothing after %d bytes", status(resp), size))
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), errors.As(err, &corrupt):
		return in.fail(err, "response_malformed", false, fmt.Sprintf("answered %s with a body that says it is gzip but is not", status(resp)))
	default:
		return in.fail(err, "response_truncated", true,
			fmt.Sprintf("answered %s, but the connection broke after %d bytes of the body", status(resp), size))
	}
}

func (in *input) tooLarge(resp *http.Response) error {
	return in.fail(nil, "response_too_large", false,
		fmt.Sprintf("answered %s with more than %d bytes, which is the step's maxBytes", status(resp), in.MaxBytes))
}

// value is the body as JSON: parsed, a string, or null.
func (in *input) value(resp *http.Response, raw []byte) (json.RawMessage, error) {
	media, params, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))
	switch {
	case len(raw) == 0:
		return json.RawMessage("null"), nil
	case media == "application/json", strings.HasSuffix(media, "+json"):
		return in.jsonValue(resp, raw)
	case !strings.Contains(media, "/") && bytes.ContainsAny(raw[:1], "{[") && json.Valid(raw):
		return in.jsonValue(resp, raw) // no media type is named: Temporal's HTTP API says "*"
	case (media == "text/html" || media == "application/xhtml+xml") && !in.accepts(media):
		return nil, in.fail(nil, "response_html", false, fmt.Sprintf(
			"answered %s with an HTML page where data was expected (set headers.Accept to %s if the page is wanted): %s",
			status(resp), media, in.line(string(raw), maxShown)))
	}
	text, ok := decode(raw, params["charset"])
	if !ok {
		return nil, in.fail(nil, "response_not_text", false,
			fmt.Sprintf("answered %s with %d bytes that are not text (Content-Type %q)", status(resp), len(raw), in.line(media, 80)))
	}
	if int64(len(text)) > in.MaxBytes {
		return nil, in.tooLarge(resp)
	}
	return encode(text)
}

// jsonValue checks a body that says it is JSON; its bytes stay, and so its numbers exact.
func (in *input) jsonValue(resp *http.Response, raw []byte) (json.RawMessage, error) {
	if len(bytes.TrimSpace(raw)) == 0 {
		return json.RawMessage("null"), nil
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, raw); err != nil || !utf8.Valid(raw) {
		shown := in.line(string(raw), maxShown)
		return nil, in.fail(err, "response_not_json", false,
			fmt.Sprintf("answered %s and says it is JSON, but it is not: %s", status(resp), shown))
	}
	return compact.Bytes(), nil
}

// accepts reports whether the step itself asks for a media type.
func (in *input) accepts(media string) bool {
	for name, value := range in.Headers {
		if http.CanonicalHeaderKey(name) == "Accept" && strings.Contains(strings.ToLower(scalar(value)), media) {
			return true
		}
	}
	return false
}

// decode returns a body as UTF-8 text, and false if it isn't text.
func decode(raw []byte, charset string) (string, bool) {
	if encoding, err := htmlindex.Get(charset); charset != "" && err == nil {
		text, err := encoding.NewDecoder().Bytes(raw)
		if err != nil {
			return "", false
		}
		raw = text
	}
	return string(raw), utf8.Valid(raw)
}

// headers are a response's headers: names in lower case, repeated ones joined with a comma.
func headers(header http.Header) map[string]string {
	joined := make(map[string]string, len(header))
	for name, values := range header {
		joined[strings.ToLower(name)] = strings.ToValidUTF8(strings.Join(values, ", "), "�")
	}
	return joined
}

// status is "503 Service Unavailable"; the phrase is the standard's, not the server's.
func status(resp *http.Response) string {
	return strings.TrimSpace(strconv.Itoa(resp.StatusCode) + " " + http.StatusText(resp.StatusCode))
}

// retryableStatus are the statuses after which another try may help (JOB-FILE.md, Failure).
func retryableStatus(code int) bool {
	switch code {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	default:
		return code >= http.StatusInternalServerError
	}
}

// encode is JSON without the escapes that are meant for HTML.
func encode(v any) (json.RawMessage, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, job.Wrap(job.CodeInternal, err, "an answer can't be written as JSON")
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}
