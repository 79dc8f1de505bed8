package e2e_test

import (
	"bytes"
	"embed"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/devstack"
)

// cases are the folders of this package: the S3 server changes the working directory, so they are embedded.
//
//go:embed */*.yaml */*.golden
var cases embed.FS

type object = map[string]any

// caller speaks REST with one token.
type caller struct {
	t     *testing.T
	token string
	team  string
}

// asAdmin is a caller who may do everything in the team `default`.
func asAdmin(t *testing.T) *caller {
	t.Helper()
	return as(t, devstack.Claims{Subject: "ana", Email: "ana@example.com", Role: "admin"})
}

func as(t *testing.T, claims devstack.Claims) *caller {
	t.Helper()
	token, err := world.Token(claims)
	require.NoError(t, err)
	return &caller{t: t, token: token, team: "default"}
}

// reply is an answer, read to its end.
type reply struct {
	t      *testing.T
	status int
	header http.Header
	body   []byte
}

// into decodes the body, after a look at the status.
func (r reply) into(status int, value any) {
	r.t.Helper()
	require.Equal(r.t, status, r.status, "%s", r.body)
	require.NoError(r.t, json.Unmarshal(r.body, value), "%s", r.body)
}

// problem is an answer that says no.
type problem struct {
	Status    int
	Code      string
	Detail    string
	RequestID string `json:"requestId"`
	Errors    []struct {
		Pointer, Message string
		Line, Column     int
	}
}

func (r reply) problem() problem {
	r.t.Helper()
	require.Equal(r.t, "application/problem+json", strings.Split(r.header.Get("Content-Type"), ";")[0], "%s", r.body)
	var p problem
	require.NoError(r.t, json.Unmarshal(r.body, &p), "%s", r.body)
	require.Equal(r.t, r.status, p.Status)
	require.NotEmpty(r.t, p.Detail)
	require.Equal(r.t, r.header.Get("X-Request-Id"), p.RequestID)
	return p
}

// send sends a request; headers are names and values in turn.
func (c *caller) send(method, path string, body []byte, headers ...string) reply {
	c.t.Helper()
	answer, err := c.try(method, path, body, headers...)
	require.NoError(c.t, err)
	return answer
}

// try is send for goroutines that may not end the test.
func (c *caller) try(method, path string, body []byte, headers ...string) (reply, error) {
	request, err := http.NewRequestWithContext(c.t.Context(), method, world.Config().PublicURL+path, bytes.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = response.Body.Close() }()
	raw, err := io.ReadAll(response.Body)
	return reply{t: c.t, status: response.StatusCode, header: response.Header, body: raw}, err
}

func (c *caller) get(path string, into any) {
	c.t.Helper()
	c.send(http.MethodGet, path, nil).into(http.StatusOK, into)
}

func (c *caller) jobPath(job string) string { return "/v1/teams/" + c.team + "/jobs/" + job }

// put publishes a source under a name.
func (c *caller) put(job string, source []byte) reply {
	c.t.Helper()
	return c.send(http.MethodPut, c.jobPath(job), source, "Content-Type", "application/yaml")
}

// publish publishes the case's job.yaml, whose job has the folder's name.
func (c *caller) publish(name string) {
	c.t.Helper()
	source, err := cases.ReadFile(name + "/job.yaml")
	require.NoError(c.t, err)
	answer := c.put(name, source)
	require.Contains(c.t, []int{http.StatusOK, http.StatusCreated}, answer.status, "%s", answer.body)
}

// run is a run as the API gives it.
type run struct {
	ID, Job, Status    string
	Version            int
	Input, Output      json.RawMessage
	OutputURL          string `json:"outputUrl"`
	Cleanup            string
	Error              *failure
	CreatedAt          time.Time
	StartedAt, EndedAt *time.Time
	Trigger            struct{ Kind, By string }
}

type failure struct {
	Code, Message, Step, Item, Type string
	Status                          int
	Retryable                       bool
}

type step struct {
	ID, Status, Reason string
	Attempts           int
	Output             json.RawMessage
	Error              *failure
	Items              *struct{ Total, Succeeded, Failed int }
}

type stepItem struct {
	Key, Status, Reason string
	Index, Attempts     int
	Error               *failure
}

// logRecord is one line of a run's log.
type logRecord struct {
	Level, Msg, Step string
	Attempt          int
	Fields           object
}

// submit submits a run and returns what it is acknowledged as.
func (c *caller) submit(job string, input object) run {
	c.t.Helper()
	body, err := json.Marshal(object{"input": input})
	require.NoError(c.t, err)
	var submitted run
	c.send(http.MethodPost, c.jobPath(job)+"/runs", body, "Content-Type", "application/json").into(http.StatusAccepted, &submitted)
	return submitted
}

// post sends a JSON body.
func (c *caller) post(path string, body any) reply {
	c.t.Helper()
	raw, err := json.Marshal(body)
	require.NoError(c.t, err)
	return c.send(http.MethodPost, path, raw, "Content-Type", "application/json")
}

// finish submits a run and waits for its end.
func (c *caller) finish(job string, input object) run {
	c.t.Helper()
	body, err := json.Marshal(object{"input": input})
	require.NoError(c.t, err)
	var submitted run
	answer := c.send(http.MethodPost, c.jobPath(job)+"/runs", body, "Content-Type", "application/json", "Prefer", "wait=60")
	require.Contains(c.t, []int{http.StatusOK, http.StatusAccepted}, answer.status, "%s", answer.body)
	require.NoError(c.t, json.Unmarshal(answer.body, &submitted))
	return c.ended(submitted.ID)
}

// ended waits for a run's end.
func (c *caller) ended(id string) run {
	c.t.Helper()
	var last run
	require.Eventually(c.t, func() bool {
		answer, err := c.try(http.MethodGet, "/v1/runs/"+id, nil)
		last = run{}
		return err == nil && json.Unmarshal(answer.body, &last) == nil && last.EndedAt != nil
	}, 2*time.Minute, 50*time.Millisecond, "run %s does not end", id)
	remember(last)
	return last
}

// steps are a run's steps by id.
func (c *caller) steps(id string) map[string]step {
	c.t.Helper()
	var list struct{ Items []step }
	c.get("/v1/runs/"+id+"/steps", &list)
	steps := map[string]step{}
	for _, item := range list.Items {
		steps[item.ID] = item
	}
	return steps
}

func (c *caller) step(id, name string) step {
	c.t.Helper()
	var one step
	c.get("/v1/runs/"+id+"/steps/"+name, &one)
	return one
}

// items are the items of a run's step by key.
func (c *caller) items(id, name string) map[string]stepItem {
	c.t.Helper()
	var list struct{ Items []stepItem }
	c.get("/v1/runs/"+id+"/steps/"+name+"/items", &list)
	items := map[string]stepItem{}
	for _, one := range list.Items {
		items[one.Key] = one
	}
	return items
}

// log is a run's whole log.
func (c *caller) log(id string) []logRecord {
	c.t.Helper()
	answer := c.send(http.MethodGet, "/v1/runs/"+id+"/logs", nil, "Accept", "application/x-ndjson")
	require.Equal(c.t, http.StatusOK, answer.status, "%s", answer.body)
	var records []logRecord
	for line := range bytes.Lines(answer.body) {
		var one logRecord
		require.NoError(c.t, json.Unmarshal(line, &one), "%s", line)
		records = append(records, one)
	}
	return records
}

// mail is a message in the outbox.
type mail struct{ To, Subject, Text string }

// mails are the messages about a run, newest first; none when the outbox can't be read.
func (c *caller) mails(id string) []mail {
	answer, err := c.try(http.MethodGet, "/dev/outbox", nil)
	var outbox struct{ Items []mail }
	if err != nil || json.Unmarshal(answer.body, &outbox) != nil {
		return nil
	}
	var about []mail
	for _, item := range outbox.Items {
		if strings.Contains(item.Text, id) {
			about = append(about, item)
		}
	}
	return about
}

// mailed waits for so many messages about a run.
func (c *caller) mailed(id string, count int) []mail {
	c.t.Helper()
	var got []mail
	assert.Eventually(c.t, func() bool {
		got = c.mails(id)
		return len(got) >= count
	}, 30*time.Second, 50*time.Millisecond)
	require.GreaterOrEqual(c.t, len(got), count, "%+v", got)
	return got
}

// messages are what a step's records say, a line each.
func messages(records []logRecord, step string) string {
	var b strings.Builder
	for _, one := range records {
		if one.Step == step {
			b.WriteString(one.Msg + "\n")
		}
	}
	return b.String()
}
