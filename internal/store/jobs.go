package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/store/internal/db"
)

// Publication is a definition to be published.
type Publication struct {
	Team, Job   string
	Digest      string // of Canonical: the same digest is the same version
	Canonical   []byte
	Source      []byte // the bytes as they came
	Description string
	Labels      map[string]string
	Actor       string // who publishes
	Activate    bool   // make it current; false only stages it
}

// Published is what became of a publication.
type Published struct {
	Version int
	// Created is false when the content had been published before.
	Created bool
	// Current is the job's current version afterwards; 0 when it only has staged ones.
	Current int
}

// Job is one version of a job.
type Job struct {
	Team, Job   string
	Version     int
	Current     int // the job's current version, 0 when it only has staged ones
	Latest      int // the job's newest version
	Digest      string
	Description string
	Labels      map[string]string
	Canonical   []byte // nil in lists
	Source      []byte // nil in lists
	CreatedBy   string // "" in lists
	CreatedAt   time.Time
}

// Publish makes an immutable version of a definition, unless the same content
// is one already, and makes it current if asked. Callers may race: the same
// content is one version, and versions count 1, 2, 3 ….
func (s *Store) Publish(ctx context.Context, p Publication) (Published, error) {
	ctx, cancel := context.WithTimeout(ctx, statementTimeout)
	defer cancel()
	var result Published
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		var err error
		result, err = publish(ctx, s.queries.WithTx(tx), p)
		return err
	})
	return result, failed("publish", err)
}

func publish(ctx context.Context, q *db.Queries, p Publication) (Published, error) {
	if err := q.EnsureJob(ctx, db.EnsureJobParams{Team: p.Team, Name: p.Job}); err != nil {
		return Published{}, err
	}
	// The lock on the job's row puts concurrent publications in a line.
	before, err := q.LockJob(ctx, db.LockJobParams{Team: p.Team, Name: p.Job})
	if err != nil {
		return Published{}, err
	}
	version, err := q.VersionByDigest(ctx, db.VersionByDigestParams{Team: p.Team, Job: p.Job, Digest: p.Digest})
	created := errors.Is(err, pgx.ErrNoRows)
	if err != nil && !created {
		return Published{}, err
	}
	if created {
		version = before.LatestVersion + 1
		if err := insertVersion(ctx, q, p, version); err != nil {
			return Published{}, err
		}
	}
	current := before.CurrentVersion
	if p.Activate {
		current = version
	}
	result := Published{Version: int(version), Created: created, Current: int(current)}
	if !created && current == before.CurrentVersion {
		return result, nil
	}
	err = q.SetJobVersions(ctx, db.SetJobVersionsParams{
		Team: p.Team, Name: p.Job, CurrentVersion: current, LatestVersion: max(before.LatestVersion, version),
	})
	if err != nil {
		return Published{}, err
	}
	return result, auditPublished(ctx, q, p, result)
}

func insertVersion(ctx context.Context, q *db.Queries, p Publication, version int32) error {
	labels, err := encodeLabels(p.Labels)
	if err != nil {
		return err
	}
	return q.InsertVersion(ctx, db.InsertVersionParams{
		Team: p.Team, Job: p.Job, Version: version, Digest: p.Digest,
		Description: p.Description, Labels: labels,
		Canonical: notNil(p.Canonical), Source: notNil(p.Source), CreatedBy: p.Actor,
	})
}

func auditPublished(ctx context.Context, q *db.Queries, p Publication, result Published) error {
	detail, err := json.Marshal(map[string]any{
		"version": result.Version, "created": result.Created, "current": result.Current, "digest": p.Digest,
	})
	if err != nil {
		return fmt.Errorf("encode the audit entry: %w", err)
	}
	return q.InsertAudit(ctx, db.InsertAuditParams{
		Team: p.Team, Actor: p.Actor, Action: "job.publish", Target: p.Job, Detail: detail,
	})
}

// Job returns a version of a job; 0 is the current one. CodeNotFound when
// there is none, or the job only has staged versions and 0 was asked for.
func (s *Store) Job(ctx context.Context, team, name string, version int) (Job, error) {
	number, err := toInt32(version)
	if err != nil {
		return Job{}, job.Errorf(job.CodeNotFound, "job %q has no version %d", name, version)
	}
	row, err := s.queries.GetJob(ctx, db.GetJobParams{Team: team, Name: name, Version: number})
	if err != nil {
		if version != 0 {
			return Job{}, found("read a job", err, "there is no version %d of job %q in team %q", version, name, team)
		}
		return Job{}, found("read a job", err, "there is no job %q in team %q", name, team)
	}
	labels, err := decodeLabels(row.Labels)
	return Job{
		Team: row.Team, Job: row.Job, Version: int(row.Version),
		Current: int(row.CurrentVersion), Latest: int(row.LatestVersion),
		Digest: row.Digest, Description: row.Description, Labels: labels,
		Canonical: row.Canonical, Source: row.Source, CreatedBy: row.CreatedBy, CreatedAt: row.CreatedAt.UTC(),
	}, err
}

// Jobs lists a team's jobs by name, each as its current version, or as its
// newest when it only has staged ones; without the definitions. CreatedAt is the job's.
// CodeMalformed: the cursor is none of this list.
func (s *Store) Jobs(ctx context.Context, team string, limit int, cursor string) (Page[Job], error) {
	after, err := decodeCursor(listJobs, cursor)
	if err != nil {
		return Page[Job]{}, err
	}
	limit = pageLimit(limit)
	rows, err := s.queries.ListJobs(ctx, db.ListJobsParams{Team: team, After: after, Max: int32(limit) + 1}) //nolint:gosec // at most MaxLimit
	if err != nil {
		return Page[Job]{}, failed("list jobs", err)
	}
	jobs := make([]Job, len(rows))
	for i, row := range rows {
		labels, err := decodeLabels(row.Labels)
		if err != nil {
			return Page[Job]{}, err
		}
		version := row.CurrentVersion
		if version == 0 {
			version = row.LatestVersion
		}
		jobs[i] = Job{
			Team: row.Team, Job: row.Name, Version: int(version), Current: int(row.CurrentVersion), Latest: int(row.LatestVersion),
			Digest: row.Digest, Description: row.Description, Labels: labels, CreatedAt: row.CreatedAt.UTC(),
		}
	}
	return page(listJobs, jobs, limit, func(j Job) string { return j.Job }), nil
}
