package e2e_test

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/examples"
	"github.com/fairlead/fairlead/examples/upstreams"
	"github.com/fairlead/fairlead/internal/devstack"
	"github.com/fairlead/fairlead/internal/job"
)

// site is an example with a team and a world of its own.
type site struct {
	*caller

	job string
	up  *upstreams.World
}

// open publishes an example into a new team, whose variables lead to a new world.
func open(t *testing.T, name string) *site {
	t.Helper()
	team := strings.ToLower(t.Name() + "-" + rand.Text()[:8])
	world := upstreams.New()
	server := httptest.NewServer(world)
	t.Cleanup(func() {
		world.Close()
		server.Close()
	})
	s := &site{caller: as(t, devstack.Claims{Subject: "ana", Email: "ana@example.com", Team: team, Role: "admin"}), job: name, up: world}
	s.team = team
	for _, system := range upstreams.Systems() {
		s.set(system, server.URL+"/"+system)
	}
	source, err := examples.File(name)
	require.NoError(t, err)
	versions, err := job.Load(source)
	require.NoError(t, err)
	for _, version := range versions {
		answer := s.put(version.Definition.Name, version.Source)
		require.Equal(t, http.StatusCreated, answer.status, "%s", answer.body)
	}
	return s
}

// set gives the team a variable.
func (s *site) set(name string, value any) {
	s.t.Helper()
	body, err := json.Marshal(object{"value": value})
	require.NoError(s.t, err)
	answer := s.send(http.MethodPut, "/v1/teams/"+s.team+"/variables/"+name, body, "Content-Type", "application/json", "If-None-Match", "*")
	require.Contains(s.t, []int{http.StatusOK, http.StatusCreated}, answer.status, "%s", answer.body)
}

// in is the site as a subtest uses it.
func (s *site) in(t *testing.T) *site {
	t.Helper()
	same, speaks := *s, *s.caller
	speaks.t = t
	same.caller = &speaks
	return &same
}

// somebody is another person of the team.
func (s *site) somebody(claims devstack.Claims) *site {
	s.t.Helper()
	claims.Team = s.team
	other := &site{caller: as(s.t, claims), job: s.job, up: s.up}
	other.team = s.team
	return other
}

// start submits a run; headers are names and values in turn.
func (s *site) start(input object, headers ...string) string {
	s.t.Helper()
	body, err := json.Marshal(object{"input": input})
	require.NoError(s.t, err)
	answer := s.send(http.MethodPost, s.jobPath(s.job)+"/runs", body, append([]string{"Content-Type", "application/json"}, headers...)...)
	require.Equal(s.t, http.StatusAccepted, answer.status, "%s", answer.body)
	var submitted run
	require.NoError(s.t, json.Unmarshal(answer.body, &submitted))
	return submitted.ID
}

// past is a run that has ended, with its steps.
type past struct {
	run

	Trigger struct {
		Kind, By, Parent, Step, Item string
	}

	steps map[string]step
}

// over waits for a run's end.
func (s *site) over(id string) past {
	s.t.Helper()
	ended := past{run: s.ended(id), steps: s.steps(id)}
	s.get("/v1/runs/"+id, &ended)
	return ended
}

// completed runs the example to an end that has to be good, and decodes its output.
func (s *site) completed(input object, output any) past {
	s.t.Helper()
	ended := s.over(s.start(input))
	ended.decode(s.t, output)
	return ended
}

func (p past) decode(t *testing.T, output any) {
	t.Helper()
	require.Equal(t, "succeeded", p.Status, "%+v", p.Error)
	require.NoError(t, json.Unmarshal(p.Output, output), "%s", p.Output)
}

// broken runs the example to a failure with a code.
func (s *site) broken(input object, code string) past {
	s.t.Helper()
	ended := s.over(s.start(input))
	ended.failedWith(s.t, code)
	return ended
}

func (p past) failedWith(t *testing.T, code string) {
	t.Helper()
	require.Equal(t, "failed", p.Status, "%s", p.Output)
	require.Equal(t, code, p.Error.Code, "%+v", p.Error)
}

// statuses asks for the steps' states: those named with a reason have it.
func (p past) statuses(t *testing.T, want map[string]string) {
	t.Helper()
	got := map[string]string{}
	for id := range want {
		got[id] = strings.TrimSpace(p.steps[id].Status + " " + p.steps[id].Reason)
	}
	assert.Equal(t, want, got)
}

// states are the items' states by key.
func (s *site) states(id, step string) map[string]string {
	s.t.Helper()
	states := map[string]string{}
	for key, one := range s.items(id, step) {
		states[key] = one.Status
	}
	return states
}

// asked waits until a run asks for an approval.
func (s *site) asked(id string) pending {
	s.t.Helper()
	var list struct{ Items []pending }
	require.Eventually(s.t, func() bool {
		answer, err := s.try(http.MethodGet, "/v1/teams/"+s.team+"/approvals?status=pending&run="+id, nil)
		return err == nil && json.Unmarshal(answer.body, &list) == nil && len(list.Items) == 1
	}, time.Minute, 50*time.Millisecond, "run %s asks for nothing", id)
	return list.Items[0]
}

// decide decides an approval, and returns the answer.
func (s *site) decide(of pending, decision, comment string) reply {
	s.t.Helper()
	return s.post("/v1/runs/"+of.Run+"/approvals/"+of.Step, object{"decision": decision, "comment": comment})
}

// done are the calls with side effects that the world did, "METHOD /path", under some prefixes.
func (s *site) done(prefixes ...string) []string {
	var calls []string
	for _, call := range s.up.Calls(prefixes...) {
		if call.Method != http.MethodGet && call.Status < http.StatusBadRequest && !call.Repeated {
			calls = append(calls, call.Method+" "+call.Path)
		}
	}
	return calls
}

// told is the body of the last call with side effects to a path.
func (s *site) told(path string) object {
	s.t.Helper()
	var body object
	for _, call := range s.up.Calls(path) {
		if call.Method != http.MethodGet {
			body, _ = call.Body.(object)
		}
	}
	require.NotNil(s.t, body, "nothing was sent to %s", path)
	return body
}

// stage is a path in the lake.
func stage(run, region string) string { return fmt.Sprintf("/lake/stage/%s/%s", run, region) }
