package store

import (
	"context"
	"strconv"

	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/store/internal/db"
)

// Versions lists a job's versions, newest first, without their definitions.
// CodeNotFound: there is no such job. CodeMalformed: the cursor is none of this list.
func (s *Store) Versions(ctx context.Context, team, name string, limit int, cursor string) (Page[Job], error) {
	before, err := decodeVersion(cursor)
	if err != nil {
		return Page[Job]{}, err
	}
	limit = pageLimit(limit)
	rows, err := s.queries.ListVersions(ctx, db.ListVersionsParams{Team: team, Name: name, Before: before, Max: int32(limit) + 1}) //nolint:gosec // at most MaxLimit
	if err != nil {
		return Page[Job]{}, failed("list versions", err)
	}
	if len(rows) == 0 && cursor == "" { // a job has one version at least
		return Page[Job]{}, job.Errorf(job.CodeNotFound, "there is no job %q in team %q", name, team)
	}
	versions := make([]Job, len(rows))
	for i, row := range rows {
		labels, err := decodeLabels(row.Labels)
		if err != nil {
			return Page[Job]{}, err
		}
		versions[i] = Job{
			Team: team, Job: name, Version: int(row.Version), Current: int(row.CurrentVersion), Latest: int(row.LatestVersion),
			Digest: row.Digest, Description: row.Description, Labels: labels, CreatedBy: row.CreatedBy, CreatedAt: row.CreatedAt.UTC(),
		}
	}
	return page(listVersions, versions, limit, func(v Job) string { return strconv.Itoa(v.Version) }), nil
}

// decodeVersion returns the version that a page begins before, 0 for the first page.
func decodeVersion(cursor string) (int32, error) {
	after, err := decodeCursor(listVersions, cursor)
	if err != nil || after == "" {
		return 0, err
	}
	version, err := strconv.ParseInt(after, 10, 32)
	if err != nil || version < 1 {
		return 0, job.Errorf(job.CodeMalformed, "the cursor is none of this list: begin again without one")
	}
	return int32(version), nil
}
