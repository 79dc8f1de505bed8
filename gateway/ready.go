package gateway

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/fairlead/fairlead/gateway/api"
	"github.com/fairlead/fairlead/gateway/problem"
	"github.com/fairlead/fairlead/internal/job"
)

const (
	// lookTimeout bounds the look at one part.
	lookTimeout = 1500 * time.Millisecond
	// lookHolds is how long a look holds: whoever asks, the parts are asked no more often.
	lookHolds = time.Second
)

// Part is something the gateway stands on.
type Part struct {
	Name string
	// Ping returns an error when the part is away; nil: none is configured.
	Ping func(ctx context.Context) error
	// Required says that nothing works without it.
	Required bool
	// Absence says what its absence means.
	Absence string
}

// readiness is the state of every part as it was last seen.
type readiness struct {
	parts []Part

	mu   sync.Mutex
	seen readyAnswer
	at   time.Time
}

// readyAnswer is an answer to /ready.
type readyAnswer struct {
	parts api.Parts
	down  []string // required parts that are away
	weak  bool     // others are away
}

// look returns the state of every part, at most lookHolds old.
func (r *readiness) look(ctx context.Context) readyAnswer {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Since(r.at) >= lookHolds {
		// Everyone who asks waits for this one look: it doesn't end with the caller who was first.
		r.seen = lookAt(context.WithoutCancel(ctx), r.parts)
		r.at = time.Now()
	}
	return r.seen
}

func lookAt(ctx context.Context, parts []Part) readyAnswer {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	states := make([]api.Part, len(parts))
	var wait sync.WaitGroup
	for i, part := range parts {
		wait.Go(func() { states[i] = part.state(ctx) })
	}
	wait.Wait()
	answer := readyAnswer{parts: api.Parts{}}
	for i, part := range parts {
		answer.parts[part.Name] = states[i]
		switch {
		case states[i].State != api.PartDown:
		case part.Required:
			answer.down = append(answer.down, part.Name)
		default:
			answer.weak = true
		}
	}
	return answer
}

func (p Part) state(ctx context.Context) api.Part {
	switch {
	case p.Ping == nil:
		return api.Part{State: api.PartOff, Detail: p.Absence}
	case p.Ping(ctx) != nil:
		return api.Part{State: api.PartDown, Detail: p.Absence}
	}
	return api.Part{State: api.PartUp}
}

// VisitGetReadyResponse writes the answer: 200, or a problem that has the parts.
func (a readyAnswer) VisitGetReadyResponse(w http.ResponseWriter) error {
	if len(a.down) == 0 {
		status := api.StatusReady
		if a.weak {
			status = api.StatusDegraded
		}
		return api.GetReady200JSONResponse{Status: status, Parts: a.parts}.VisitGetReadyResponse(w)
	}
	away := job.Errorf(job.CodeUnavailable, "away: %s; try again", strings.Join(a.down, ", "))
	p := problem.Of(away, "/ready", w.Header().Get(requestHeader))
	return problem.WriteBody(w, p.Status, "", api.UnreadyProblem{
		Type: p.Type, Title: p.Title, Status: p.Status, Code: p.Code, Detail: p.Detail,
		Instance: p.Instance, RequestId: p.RequestId, Parts: a.parts,
	})
}
