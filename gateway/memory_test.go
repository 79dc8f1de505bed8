package gateway_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/store"
)

// memory keeps jobs and runs as the store does, without a database.
type memory struct {
	mu       sync.Mutex
	err      error // what every call gives, when set
	versions map[string][]store.Job
	runs     map[string]store.Run
	steps    map[string][]store.Step
	items    map[string][]store.Item // by step
	asked    []store.Approval
	notes    []store.AuditEntry
	vars     map[string]store.Variable // by team/name
	rev      int64
	filter   store.Filter // of the last list of runs
	limit    int
	cursor   string
}

func newMemory() *memory {
	return &memory{versions: map[string][]store.Job{}, runs: map[string]store.Run{}, steps: map[string][]store.Step{}, items: map[string][]store.Item{}, vars: map[string]store.Variable{}}
}

// lock begins a call; call the returned function at its end, whatever the error.
func (m *memory) lock() (unlock func(), err error) {
	m.mu.Lock()
	return m.mu.Unlock, m.err
}

func (m *memory) fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.err = err
}

func (m *memory) Publish(_ context.Context, p store.Publication) (store.Published, error) {
	unlock, err := m.lock()
	defer unlock()
	if err != nil {
		return store.Published{}, err
	}
	key := p.Team + "/" + p.Job
	versions := m.versions[key]
	number := slices.IndexFunc(versions, func(v store.Job) bool { return v.Digest == p.Digest }) + 1
	created := number == 0
	if created {
		number = len(versions) + 1
		m.versions[key] = append(versions, store.Job{
			Team: p.Team, Job: p.Job, Version: number, Digest: p.Digest, Description: p.Description, Labels: p.Labels,
			Canonical: p.Canonical, Source: p.Source, CreatedBy: p.Actor, CreatedAt: someTime,
		})
	}
	for i := range m.versions[key] {
		m.versions[key][i].Current = number
	}
	return store.Published{Version: number, Created: created, Current: number}, nil
}

func (m *memory) Job(_ context.Context, team, name string, version int) (store.Job, error) {
	unlock, err := m.lock()
	defer unlock()
	if err != nil {
		return store.Job{}, err
	}
	for _, v := range m.versions[team+"/"+name] {
		if v.Version == version || version == 0 && v.Version == v.Current {
			return v, nil
		}
	}
	return store.Job{}, job.Errorf(job.CodeNotFound, "there is no job %q in team %q", name, team)
}

func (m *memory) Jobs(_ context.Context, team string, limit int, cursor string) (store.Page[store.Job], error) {
	unlock, err := m.lock()
	defer unlock()
	m.limit, m.cursor = limit, cursor
	page := store.Page[store.Job]{Next: "more"}
	for key, versions := range m.versions {
		if strings.HasPrefix(key, team+"/") {
			page.Items = append(page.Items, versions[versions[0].Current-1])
		}
	}
	return page, err
}

func (m *memory) Versions(_ context.Context, team, name string, limit int, cursor string) (store.Page[store.Job], error) {
	unlock, err := m.lock()
	defer unlock()
	m.limit, m.cursor = limit, cursor
	page := store.Page[store.Job]{}
	for _, v := range slices.Backward(m.versions[team+"/"+name]) {
		v.Canonical, v.Source = nil, nil
		page.Items = append(page.Items, v)
	}
	return page, err
}

func (m *memory) Submitted(_ context.Context, team, key, hash string) (store.Run, error) {
	unlock, err := m.lock()
	defer unlock()
	if err != nil {
		return store.Run{}, err
	}
	return m.byKey(team, key, hash)
}

func (m *memory) byKey(team, key, hash string) (store.Run, error) {
	for _, run := range m.runs {
		if run.Team != team || run.IdempotencyKey != key {
			continue
		}
		if run.RequestHash != hash {
			return store.Run{}, job.Errorf(job.CodeIdempotencyMismatch, "this Idempotency-Key was used for run %s with another request", run.ID)
		}
		return run, nil
	}
	return store.Run{}, job.Errorf(job.CodeNotFound, "the key was not used")
}

func (m *memory) Submit(_ context.Context, n store.NewRun) (store.Run, bool, error) {
	unlock, err := m.lock()
	defer unlock()
	if err != nil {
		return store.Run{}, false, err
	}
	if n.IdempotencyKey != "" {
		if run, err := m.byKey(n.Team, n.IdempotencyKey, n.RequestHash); job.CodeOf(err) != job.CodeNotFound {
			return run, false, err
		}
	}
	run := store.Run{
		ID: n.ID, Team: n.Team, Job: n.Job, Version: n.Version, Status: job.StatusQueued, Trigger: n.Trigger,
		Labels: n.Labels, Priority: max(n.Priority, 0), Input: n.Input, Vars: n.Vars, IdempotencyKey: n.IdempotencyKey, RequestHash: n.RequestHash, CreatedAt: someTime,
	}
	if run.Priority == 0 {
		run.Priority = 3
	}
	m.runs[n.ID] = run
	return run, true, nil
}

// put keeps a run as it is.
func (m *memory) put(run store.Run, steps ...store.Step) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.runs[run.ID] = run
	m.steps[run.ID] = steps
}

// end ends every run that is there.
func (m *memory) end(status job.Status, output string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, run := range m.runs {
		run.Status, run.Output, run.EndedAt = status, []byte(output), someTime.Add(time.Minute)
		m.runs[id] = run
	}
}

func (m *memory) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.runs)
}

func (m *memory) Run(_ context.Context, id string) (store.Run, error) {
	unlock, err := m.lock()
	defer unlock()
	if err != nil {
		return store.Run{}, err
	}
	run, ok := m.runs[id]
	if !ok {
		return store.Run{}, job.Errorf(job.CodeNotFound, "there is no run %q", id)
	}
	return run, nil
}

func (m *memory) RunState(ctx context.Context, id string) (store.RunState, error) {
	run, err := m.Run(ctx, id)
	state := store.RunState{Team: run.Team, Job: run.Job, Version: run.Version, CreatedAt: run.CreatedAt, Status: run.Status}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, approval := range m.asked {
		if approval.Run == id && approval.Status == "pending" {
			state.AskedAt = approval.RequestedAt
		}
	}
	return state, err
}

func (m *memory) Settled(ctx context.Context, runs []string) (settled []string, err error) {
	for _, id := range runs {
		run, err := m.Run(ctx, id)
		if err != nil {
			return nil, err
		}
		state, err := m.RunState(ctx, id)
		if err != nil {
			return nil, err
		}
		if run.Status.Ended() || !state.AskedAt.IsZero() {
			settled = append(settled, id)
		}
	}
	return settled, nil
}

func (m *memory) Runs(_ context.Context, team string, filter store.Filter, limit int, cursor string) (store.Page[store.Run], error) {
	unlock, err := m.lock()
	defer unlock()
	m.filter, m.limit, m.cursor = filter, limit, cursor
	page := store.Page[store.Run]{}
	for _, run := range m.runs {
		if run.Team == team {
			run.Input, run.Output = nil, nil
			page.Items = append(page.Items, run)
		}
	}
	return page, err
}

func (m *memory) Steps(_ context.Context, run string) ([]store.Step, error) {
	unlock, err := m.lock()
	defer unlock()
	return m.steps[run], err
}

func (m *memory) Step(_ context.Context, run, id string) (store.Step, error) {
	unlock, err := m.lock()
	defer unlock()
	if err != nil {
		return store.Step{}, err
	}
	for _, step := range m.steps[run] {
		if step.ID == id {
			return step, nil
		}
	}
	return store.Step{}, job.Errorf(job.CodeNotFound, "run %q has no step %q that has begun", run, id)
}

// bucket keeps objects, and spooled logs.
type bucket struct {
	mu      sync.Mutex
	err     error
	objects map[string][]byte
}

func newBucket() *bucket { return &bucket{objects: map[string][]byte{}} }

func (b *bucket) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.err = err
}

func (b *bucket) Put(_ context.Context, key string, body []byte, _ string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.objects[key] = body
	return b.err
}

func (b *bucket) Get(_ context.Context, key string) (io.ReadCloser, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	body, ok := b.objects[key]
	if b.err == nil && !ok {
		return nil, fmt.Errorf("get %s: %w", key, fs.ErrNotExist)
	}
	return io.NopCloser(bytes.NewReader(body)), b.err
}

func (b *bucket) Keys(_ context.Context, prefix string) ([]string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var keys []string
	for key := range b.objects {
		if strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys, b.err
}

// noSpool has never spooled anything.
type noSpool struct{}

func (noSpool) Spool(context.Context, string, string, []byte) error { return nil }
func (noSpool) SpooledKeys(context.Context, string, string, int) ([]string, error) {
	return nil, nil
}

func (noSpool) Spooled(context.Context, string) ([]byte, error) {
	return nil, job.Errorf(job.CodeNotFound, "nothing is spooled")
}
func (noSpool) Unspool(context.Context, string) error { return nil }
