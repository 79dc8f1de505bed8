package gateway_test

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/store"
)

// ask keeps approvals of runs.
func (m *memory) ask(approvals ...store.Approval) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked = append(m.asked, approvals...)
}

// noted are the entries of the audit trail as text.
func (m *memory) noted() (notes []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, entry := range m.notes {
		notes = append(notes, entry.Actor+" "+entry.Action+" "+entry.Target+" "+string(entry.Detail))
	}
	return notes
}

func (m *memory) HasStep(ctx context.Context, run, step string) (bool, error) {
	_, err := m.Step(ctx, run, step)
	if job.CodeOf(err) == job.CodeNotFound {
		return false, nil
	}
	return err == nil, err
}

func (m *memory) Items(_ context.Context, _, step string, statuses []job.Status, limit int, cursor string) (store.Page[store.Item], error) {
	unlock, err := m.lock()
	defer unlock()
	m.limit, m.cursor = limit, cursor
	page := store.Page[store.Item]{}
	for _, item := range m.items[step] {
		if len(statuses) == 0 || slices.Contains(statuses, item.Status) {
			page.Items, page.Next = append(page.Items, item), "more"
		}
	}
	return page, err
}

func (m *memory) Approvals(_ context.Context, team string, filter store.ApprovalFilter, limit int, cursor string) (store.Page[store.Approval], error) {
	unlock, err := m.lock()
	defer unlock()
	m.limit, m.cursor = limit, cursor
	page := store.Page[store.Approval]{}
	for _, a := range m.asked {
		if a.Team == team && (filter.Run == "" || a.Run == filter.Run) && (len(filter.Status) == 0 || slices.Contains(filter.Status, a.Status)) {
			page.Items = append(page.Items, a)
		}
	}
	return page, err
}

func (m *memory) Approval(_ context.Context, run, step, item string) (store.Approval, error) {
	unlock, err := m.lock()
	defer unlock()
	if err != nil {
		return store.Approval{}, err
	}
	for _, a := range m.asked {
		if a.Run == run && a.Step == step && a.Item == item {
			return a, nil
		}
	}
	return store.Approval{}, job.Errorf(job.CodeNotFound, "no approval")
}

func (m *memory) Note(_ context.Context, _ string, entry store.AuditEntry) error {
	unlock, err := m.lock()
	defer unlock()
	m.notes = append(m.notes, entry)
	return err
}

func (m *memory) Variables(_ context.Context, team string, names []string) (map[string]json.RawMessage, error) {
	unlock, err := m.lock()
	defer unlock()
	values := map[string]json.RawMessage{}
	for _, name := range names {
		if v, ok := m.vars[team+"/"+name]; ok {
			values[name] = v.Value
		}
	}
	return values, err
}

func (m *memory) VariableNames(ctx context.Context, team string) ([]string, error) {
	page, err := m.ListVariables(ctx, team, 0, "")
	names := []string{}
	for _, v := range page.Items {
		names = append(names, v.Name)
	}
	return names, err
}

func (m *memory) ListVariables(_ context.Context, team string, limit int, cursor string) (store.Page[store.Variable], error) {
	unlock, err := m.lock()
	defer unlock()
	m.limit, m.cursor = limit, cursor
	page := store.Page[store.Variable]{}
	for _, key := range slices.Sorted(maps.Keys(m.vars)) {
		if strings.HasPrefix(key, team+"/") {
			page.Items = append(page.Items, m.vars[key])
		}
	}
	return page, err
}

func (m *memory) Variable(_ context.Context, team, name string) (store.Variable, error) {
	unlock, err := m.lock()
	defer unlock()
	v, ok := m.vars[team+"/"+name]
	if err == nil && !ok {
		err = job.Errorf(job.CodeNotFound, "there is no variable %q in team %q", name, team)
	}
	return v, err
}

func (m *memory) CreateVariable(_ context.Context, v store.Variable) (store.Variable, error) {
	unlock, err := m.lock()
	defer unlock()
	if _, ok := m.vars[v.Team+"/"+v.Name]; ok && err == nil {
		err = job.Errorf(job.CodeStale, "there is a variable %q already", v.Name)
	}
	return m.keep(v, err)
}

func (m *memory) ChangeVariable(_ context.Context, v store.Variable, revs []int64) (store.Variable, error) {
	unlock, err := m.lock()
	defer unlock()
	if !m.match(v.Team, v.Name, revs) && err == nil {
		err = job.Errorf(job.CodeStale, "variable %q was changed", v.Name)
	}
	return m.keep(v, err)
}

func (m *memory) DeleteVariable(_ context.Context, team, name, _ string, revs []int64) error {
	unlock, err := m.lock()
	defer unlock()
	if !m.match(team, name, revs) && err == nil {
		err = job.Errorf(job.CodeStale, "variable %q was changed", name)
	}
	if err == nil {
		delete(m.vars, team+"/"+name)
	}
	return err
}

func (m *memory) match(team, name string, revs []int64) bool {
	v, ok := m.vars[team+"/"+name]
	return ok && (revs == nil || slices.Contains(revs, v.Rev))
}

func (m *memory) keep(v store.Variable, err error) (store.Variable, error) {
	if err != nil {
		return store.Variable{}, err
	}
	m.rev++
	v.Rev, v.UpdatedAt = m.rev, someTime
	m.vars[v.Team+"/"+v.Name] = v
	return v, nil
}
