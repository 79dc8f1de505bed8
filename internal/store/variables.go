package store

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/store/internal/db"
)

// Variable is a value that a team's jobs name.
type Variable struct {
	Team, Name  string
	Value       json.RawMessage // kept byte by byte
	Description string
	// Rev is another one after every change, and never one that was used before.
	Rev       int64
	UpdatedBy string
	UpdatedAt time.Time
}

// Variables returns the values of those of a team's variables that there are.
func (s *Store) Variables(ctx context.Context, team string, names []string) (map[string]json.RawMessage, error) {
	values := make(map[string]json.RawMessage, len(names))
	if len(names) == 0 {
		return values, nil
	}
	rows, err := s.queries.VariableValues(ctx, db.VariableValuesParams{Team: team, Names: names})
	for _, row := range rows {
		values[row.Name] = row.Value
	}
	return values, failed("read variables", err)
}

// VariableNames lists the names of all of a team's variables, sorted; never nil without an error.
func (s *Store) VariableNames(ctx context.Context, team string) ([]string, error) {
	names, err := s.queries.VariableNames(ctx, team)
	return notNilSlice(names), failed("list the names of variables", err)
}

// ListVariables lists a team's variables by name. CodeMalformed: the cursor is none of this list.
func (s *Store) ListVariables(ctx context.Context, team string, limit int, cursor string) (Page[Variable], error) {
	after, err := decodeCursor(listVariables, cursor)
	if err != nil {
		return Page[Variable]{}, err
	}
	limit = pageLimit(limit)
	rows, err := s.queries.ListVariables(ctx, db.ListVariablesParams{Team: team, After: after, Max: int32(limit) + 1}) //nolint:gosec // at most MaxLimit
	if err != nil {
		return Page[Variable]{}, failed("list variables", err)
	}
	variables := make([]Variable, len(rows))
	for i, row := range rows {
		variables[i] = toVariable(row)
	}
	return page(listVariables, variables, limit, func(v Variable) string { return v.Name }), nil
}

// Variable returns one of a team's variables. CodeNotFound.
func (s *Store) Variable(ctx context.Context, team, name string) (Variable, error) {
	row, err := s.queries.GetVariable(ctx, db.GetVariableParams{Team: team, Name: name})
	if err != nil {
		return Variable{}, found("read a variable", err, "there is no variable %q in team %q", name, team)
	}
	return toVariable(row), nil
}

// CreateVariable keeps a new variable and an audit entry; its UpdatedBy is who does
// it, Rev and UpdatedAt are not read. CodeStale: there is one already.
func (s *Store) CreateVariable(ctx context.Context, v Variable) (Variable, error) {
	row, err := s.queries.CreateVariable(ctx, db.CreateVariableParams{
		Team: v.Team, Name: v.Name, Value: notNil(v.Value), Description: v.Description, Actor: v.UpdatedBy,
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return Variable{}, job.Errorf(job.CodeStale, "there is a variable %q already", v.Name)
	}
	if err != nil {
		return Variable{}, failed("create a variable", err)
	}
	return toVariable(db.Variable(row)), nil
}

// ChangeVariable replaces a variable that has one of the revs still, whatever it has
// where revs is nil, and keeps an audit entry; its UpdatedBy is who does it, Rev and
// UpdatedAt are not read. CodeStale: it has another one, or there is none.
func (s *Store) ChangeVariable(ctx context.Context, v Variable, revs []int64) (Variable, error) {
	row, err := s.queries.ChangeVariable(ctx, db.ChangeVariableParams{
		Team: v.Team, Name: v.Name, Value: notNil(v.Value), Description: v.Description, Actor: v.UpdatedBy, Revs: revs,
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return Variable{}, stale(v.Name)
	}
	if err != nil {
		return Variable{}, failed("change a variable", err)
	}
	return toVariable(db.Variable(row)), nil
}

// DeleteVariable removes a variable that has one of the revs still, whatever it has
// where revs is nil, and keeps an audit entry. CodeStale: it has another one, or there is none.
func (s *Store) DeleteVariable(ctx context.Context, team, name, actor string, revs []int64) error {
	_, err := s.queries.DeleteVariable(ctx, db.DeleteVariableParams{Team: team, Name: name, Revs: revs, Actor: actor})
	if errors.Is(err, pgx.ErrNoRows) {
		return stale(name)
	}
	return failed("delete a variable", err)
}

func stale(name string) error {
	return job.Errorf(job.CodeStale, "variable %q was changed or deleted meanwhile: read it again", name)
}

func toVariable(row db.Variable) Variable {
	return Variable{
		Team: row.Team, Name: row.Name, Value: row.Value, Description: row.Description,
		Rev: row.Rev, UpdatedBy: row.UpdatedBy, UpdatedAt: row.UpdatedAt.UTC(),
	}
}
