package devstack_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"
	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/devstack"
)

func mailer(stack *devstack.Stack) *sesv2.Client {
	return sesv2.New(sesv2.Options{
		BaseEndpoint: aws.String(stack.Config().SESEndpoint), Region: "us-east-1", RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("any", "any", ""),
	})
}

func letter(subject string) *sesv2.SendEmailInput {
	return &sesv2.SendEmailInput{
		FromEmailAddress: aws.String("fairlead@localhost.localdomain"),
		Destination:      &types.Destination{ToAddresses: []string{"ana@example.com"}},
		Content: &types.EmailContent{Simple: &types.Message{
			Subject: &types.Content{Data: aws.String(subject)},
			Body:    &types.Body{Text: &types.Content{Data: aws.String("It <failed>.")}},
		}},
	}
}

func show(t *testing.T, stack *devstack.Stack, accept string) *httptest.ResponseRecorder {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/dev/outbox", http.NoBody)
	request.Header.Set("Accept", accept)
	page := httptest.NewRecorder()
	stack.Outbox().ServeHTTP(page, request)
	require.Equal(t, http.StatusOK, page.Code)
	return page
}

func shown(t *testing.T, stack *devstack.Stack) []devstack.OutboxItem {
	t.Helper()
	var list struct{ Items []devstack.OutboxItem }
	require.NoError(t, json.Unmarshal(show(t, stack, "application/json").Body.Bytes(), &list))
	return list.Items
}

//nolint:paralleltest // one S3 server in a process, and it moves the working directory
func TestOutbox(t *testing.T) {
	options := options(t)
	stack := start(t, options)
	require.JSONEq(t, `{"items": []}`, show(t, stack, "application/json").Body.String())

	sent, err := mailer(stack).SendEmail(t.Context(), letter("first"))
	require.NoError(t, err)
	require.NotEmpty(t, aws.ToString(sent.MessageId))
	_, err = mailer(stack).SendEmail(t.Context(), letter("second <b>"))
	require.NoError(t, err)
	items := shown(t, stack)
	require.Len(t, items, 2)
	require.Equal(t, []string{"second <b>", "first"}, []string{items[0].Subject, items[1].Subject}, "newest first")
	require.Equal(t, aws.ToString(sent.MessageId), items[1].ID)
	require.Equal(t, []string{"email", "ana@example.com", "It <failed>."}, []string{items[1].Channel, items[1].To, items[1].Text})
	page := show(t, stack, "text/html,application/xhtml+xml;q=0.9").Body.String()
	require.Contains(t, page, "second &lt;b&gt;")

	t.Run("refuses as SES does", func(t *testing.T) {
		for name, spoil := range map[string]func(*sesv2.SendEmailInput){
			"no sender":    func(in *sesv2.SendEmailInput) { in.FromEmailAddress = nil },
			"no recipient": func(in *sesv2.SendEmailInput) { in.Destination = nil },
			"no address":   func(in *sesv2.SendEmailInput) { in.Destination.ToAddresses = []string{"ana"} },
			"another shape": func(in *sesv2.SendEmailInput) {
				in.Content = &types.EmailContent{Raw: &types.RawMessage{Data: []byte("x")}}
			},
		} {
			spoiled := letter("never")
			spoil(spoiled)
			_, err := mailer(stack).SendEmail(t.Context(), spoiled)
			refusal := new(types.BadRequestException)
			require.ErrorAs(t, err, &refusal, name)
			require.NotEmpty(t, refusal.ErrorMessage(), name)
		}
		require.Len(t, shown(t, stack), 2)
	})
	t.Run("takes mail only", func(t *testing.T) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, stack.Config().SESEndpoint+"/dev/outbox", http.NoBody)
		require.NoError(t, err)
		request.Close = true
		response, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusNotFound, response.StatusCode, "what was mailed is shown by the gateway, to those with a token")
	})
	t.Run("takes a message that did not fit back", func(t *testing.T) {
		more := fillDisk(t, filepath.Join(options.Dir, "outbox.ndjson"), 20)
		_, err := mailer(stack).SendEmail(t.Context(), letter("too much"))
		more()
		failure := new(types.InternalServiceErrorException)
		require.ErrorAs(t, err, &failure)
		_, err = mailer(stack).SendEmail(t.Context(), letter("fits again"))
		require.NoError(t, err)
		require.NoError(t, stack.Stop(t.Context()))
		stack = start(t, options)
		items := shown(t, stack)
		require.Len(t, items, 3)
		require.Equal(t, "fits again", items[0].Subject)
	})
	t.Run("keeps what was sent, but for a line that a crash cut short", func(t *testing.T) {
		require.NoError(t, stack.Stop(t.Context()))
		file, err := os.OpenFile(filepath.Join(options.Dir, "outbox.ndjson"), os.O_APPEND|os.O_WRONLY, 0)
		require.NoError(t, err)
		_, err = file.WriteString(`{"id":"torn","subj`)
		require.NoError(t, errors.Join(err, file.Close()))
		next := start(t, options)
		_, err = mailer(next).SendEmail(t.Context(), letter("third"))
		require.NoError(t, err)
		items := shown(t, next)
		require.Len(t, items, 4)
		require.Equal(t, "third", items[0].Subject)
		require.NoError(t, next.Stop(t.Context()))
	})
}

// fillDisk leaves room for some bytes after the end of a file, until more is called: this
// process may write no file beyond that.
func fillDisk(t *testing.T, path string, room uint64) (more func()) {
	t.Helper()
	info, err := os.Stat(path)
	require.NoError(t, err)
	signal.Ignore(syscall.SIGXFSZ) // its default ends the process; ignored, write(2) fails
	var before syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before))
	full := syscall.Rlimit{Cur: uint64(info.Size()) + room, Max: before.Max}
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &full))
	return func() {
		require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before))
		signal.Reset(syscall.SIGXFSZ)
	}
}
