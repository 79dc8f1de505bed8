package store

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/store/internal/db"
)

// defaultPriority is what a run without one has.
const defaultPriority = 3

// Submit keeps a new run (queued) and its audit entry, both or neither. When
// the team has used the idempotency key before, it returns that run instead,
// and created is false. CodeNotFound: no such version of the job.
// CodeIdempotencyMismatch: the key was used with another request.
func (s *Store) Submit(ctx context.Context, n NewRun) (run Run, created bool, err error) {
	params, err := insertRun(n)
	if err != nil {
		return Run{}, false, err
	}
	createdAt, err := s.queries.InsertRun(ctx, params)
	if errors.Is(err, pgx.ErrNoRows) { // the key is taken
		run, err = s.Submitted(ctx, n.Team, n.IdempotencyKey, n.RequestHash)
		return run, false, err
	}
	if err != nil {
		if err = failed("submit", err); job.CodeOf(err) == job.CodeNotFound {
			err = job.Wrap(job.CodeNotFound, err, "there is no such version of the job in this team")
		}
		return Run{}, false, err
	}
	if n.Labels == nil {
		n.Labels = map[string]string{}
	}
	run = Run{
		ID: n.ID, Team: n.Team, Job: n.Job, Version: n.Version, Status: job.StatusQueued,
		Trigger: n.Trigger, Labels: n.Labels, Priority: int(params.Priority), Input: n.Input, Vars: params.Vars,
		IdempotencyKey: n.IdempotencyKey, RequestHash: n.RequestHash, CreatedAt: createdAt.UTC(),
	}
	if n.Started {
		run.WorkflowStartedAt = run.CreatedAt
	}
	return run, true, nil
}

func insertRun(n NewRun) (db.InsertRunParams, error) {
	labels, err := encodeLabels(n.Labels)
	if err != nil {
		return db.InsertRunParams{}, err
	}
	version, err := toInt32(n.Version)
	if err != nil {
		return db.InsertRunParams{}, err
	}
	priority, err := toInt32(n.Priority)
	if err != nil {
		return db.InsertRunParams{}, err
	}
	if priority == 0 {
		priority = defaultPriority
	}
	detail, err := json.Marshal(map[string]any{"job": n.Job, "version": n.Version, "trigger": n.Trigger.Kind})
	if err != nil {
		return db.InsertRunParams{}, failed("encode the audit entry", err)
	}
	return db.InsertRunParams{
		ID: n.ID, Team: n.Team, Job: n.Job, Version: version, Status: string(job.StatusQueued),
		TriggerKind: n.Trigger.Kind, TriggerBy: n.Trigger.By, TriggerDetail: notEmpty(n.Trigger.Detail),
		Labels: labels, Priority: priority, Input: notNil(n.Input), Vars: notEmpty(n.Vars),
		IdempotencyKey: optional(n.IdempotencyKey), RequestHash: optional(n.RequestHash), Started: n.Started, AuditDetail: detail,
	}, nil
}

// Submitted returns the run that the team's idempotency key made before.
// CodeNotFound: none. CodeIdempotencyMismatch: the key was used with another request.
func (s *Store) Submitted(ctx context.Context, team, key, requestHash string) (Run, error) {
	row, err := s.queries.RunByKey(ctx, db.RunByKeyParams{Team: team, IdempotencyKey: &key})
	if err != nil {
		return Run{}, found("read a run by its key", err, "the run with this Idempotency-Key is gone")
	}
	if value(row.RequestHash) != requestHash {
		return Run{}, job.Errorf(job.CodeIdempotencyMismatch,
			"this Idempotency-Key was used for run %s with another request: use a new key, or send the same request", row.ID)
	}
	return toRun(row)
}
