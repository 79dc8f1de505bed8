package notify_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/activities/notify"
)

// ses serves SES v2's SendEmail and returns the mailer that calls it.
func ses(t *testing.T, handler http.HandlerFunc) *notify.SES {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	mailer, err := notify.NewSES(t.Context(), notify.SESOptions{Endpoint: server.URL, Region: "eu-west-1", From: "jobs@example.com", AccessKey: "a", SecretKey: "b"})
	require.NoError(t, err)
	return mailer
}

func TestOwnServerNeedsNoAWSAccount(t *testing.T) {
	t.Setenv("AWS_PROFILE", "nosuch")
	t.Setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
	mailer := ses(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"MessageId": "0100-abc"}`) })
	id, err := mailer.Send(t.Context(), "ntf_1", notify.Message{To: "ana@example.com", Subject: "s", Text: "t", HTML: "h"})
	require.NoError(t, err)
	require.Equal(t, "0100-abc", id)
	_, err = notify.NewSES(t.Context(), notify.SESOptions{Region: "eu-west-1", From: "jobs@example.com"})
	require.ErrorContains(t, err, "nosuch", "AWS's own chain says what it lacks")
}

func TestSESSendsWhatItIsGiven(t *testing.T) {
	t.Parallel()
	var path string
	var got map[string]any
	mailer := ses(t, func(w http.ResponseWriter, r *http.Request) {
		path = r.Method + " " + r.URL.Path
		body, _ := io.ReadAll(r.Body)
		_ = json.Unmarshal(body, &got)
		_, _ = io.WriteString(w, `{"MessageId": "0100-abc"}`)
	})
	id, err := mailer.Send(t.Context(), "ntf_1", notify.Message{
		To: "ana@example.com", Subject: "[failed] ünï", Text: "text", HTML: "<p>", Headers: map[string]string{"Importance": "high"},
	})
	require.NoError(t, err)
	require.Equal(t, "0100-abc", id)
	require.Equal(t, "POST /v2/email/outbound-emails", path)
	raw, err := json.Marshal(got)
	require.NoError(t, err)
	require.JSONEq(t, `{
		"FromEmailAddress": "jobs@example.com",
		"Destination": {"ToAddresses": ["ana@example.com"]},
		"Content": {"Simple": {
			"Subject": {"Data": "[failed] ünï", "Charset": "UTF-8"},
			"Body": {"Text": {"Data": "text", "Charset": "UTF-8"}, "Html": {"Data": "<p>", "Charset": "UTF-8"}},
			"Headers": [{"Name": "X-Fairlead-Notification", "Value": "ntf_1"}, {"Name": "Importance", "Value": "high"}]
		}},
		"EmailTags": [{"Name": "fairlead-notification", "Value": "ntf_1"}]
	}`, string(raw))
}

func TestSESRefusals(t *testing.T) {
	t.Parallel()
	for kind, test := range map[string]struct {
		status    int
		code      string
		retryable bool
	}{
		"MessageRejected":                    {400, "email_refused", false},
		"BadRequestException":                {400, "email_refused", false},
		"MailFromDomainNotVerifiedException": {400, "email_refused", false},
		"AccountSuspendedException":          {400, "email_refused", false},
		"TooManyRequestsException":           {429, "email_unavailable", true},
		"SendingPausedException":             {400, "email_unavailable", true},
		"InternalServiceErrorException":      {500, "email_unavailable", true},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			calls := 0
			mailer := ses(t, func(w http.ResponseWriter, _ *http.Request) {
				calls++
				w.Header().Set("X-Amzn-ErrorType", kind)
				w.Header().Set("Content-Type", "application/json")
				w.Header().Set("Retry-After", "7")
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, `{"message": "no\nway"}`)
			})
			_, err := mailer.Send(t.Context(), "ntf_1", notify.Message{To: "a@x.y"})
			var failed *activities.Failed
			require.ErrorAs(t, err, &failed)
			require.Equal(t, test.code, failed.Code)
			require.Equal(t, test.retryable, failed.Retryable)
			require.Equal(t, test.status, failed.Status)
			require.Equal(t, 7*time.Second, failed.RetryAfter)
			require.NotContains(t, failed.Message, "\n")
			require.Equal(t, 1, calls, "the provider's own retries are off")
		})
	}
}

func TestSESAway(t *testing.T) {
	t.Parallel()
	mailer, err := notify.NewSES(t.Context(), notify.SESOptions{Endpoint: "http://127.0.0.1:1", Region: "eu-west-1", From: "x@y.z", AccessKey: "a", SecretKey: "b"})
	require.NoError(t, err)
	_, err = mailer.Send(t.Context(), "ntf_1", notify.Message{To: "a@x.y"})
	var failed *activities.Failed
	require.ErrorAs(t, err, &failed)
	require.True(t, failed.Retryable)
}

func TestSESMayAskForADate(t *testing.T) {
	t.Parallel()
	mailer := ses(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Amzn-ErrorType", "TooManyRequestsException")
		w.Header().Set("Retry-After", "Fri, 01 Jan 2999 00:00:00 GMT")
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = io.WriteString(w, `{}`)
	})
	_, err := mailer.Send(t.Context(), "ntf_1", notify.Message{To: "a@x.y"})
	var failed *activities.Failed
	require.ErrorAs(t, err, &failed)
	require.Equal(t, activities.MaxRetryAfter, failed.RetryAfter)
}
