package gateway

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/fairlead/fairlead/gateway/api"
	"github.com/fairlead/fairlead/gateway/auth"
	"github.com/fairlead/fairlead/gateway/problem"
	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/store"
)

// PublishJob keeps a version of a job and makes it current.
func (s *server) PublishJob(ctx context.Context, request api.PublishJobRequestObject) (api.PublishJobResponseObject, error) {
	version, err := s.loadOne(ctx, request.Team, request.Body, request.Job)
	if err != nil {
		return nil, err
	}
	published, err := s.Jobs.Publish(ctx, store.Publication{
		Team: request.Team, Job: request.Job, Digest: version.Digest, Canonical: version.Canonical, Source: version.Source,
		Description: version.Definition.Description, Labels: version.Definition.Labels,
		Actor: auth.From(ctx).Subject, Activate: true,
	})
	if err != nil {
		return nil, err
	}
	body := api.Published{
		Team: request.Team, Job: request.Job, Version: published.Version, Current: published.Current,
		Digest: version.Digest, Warnings: warnings(version),
	}
	if !published.Created {
		return api.PublishJob200JSONResponse(body), nil
	}
	location := fmt.Sprintf("/v1/teams/%s/jobs/%s?version=%d", request.Team, request.Job, published.Version)
	return api.PublishJob201JSONResponse{Body: body, Headers: api.PublishJob201ResponseHeaders{Location: &location}}, nil
}

// loadOne reads the one definition of a job.
func (s *server) loadOne(ctx context.Context, team string, body io.Reader, name string) (*job.Version, error) {
	versions, err := s.load(ctx, team, body)
	if err != nil {
		return nil, err
	}
	if len(versions) != 1 {
		return nil, job.Errorf(job.CodeInvalidDefinition, "the body has %d definitions: publish them one by one, each at its own path", len(versions))
	}
	if found := versions[0].Definition.Name; found != name {
		message := fmt.Sprintf("the definition's name is %q, the path's is %q: publish it at …/jobs/%s, or change its name", found, name, found)
		return nil, &job.Error{
			Code: job.CodeInvalidDefinition, Message: message, Fields: []job.Field{{Pointer: "/name", Message: message}},
		}
	}
	return versions[0], nil
}

// load reads definitions of a team, not too many at once.
func (s *server) load(ctx context.Context, team string, body io.Reader) ([]*job.Version, error) {
	source, err := io.ReadAll(body)
	if err != nil {
		return nil, fmt.Errorf("read a body that was read: %w", err)
	}
	variables, err := s.Variables.VariableNames(ctx, team)
	if err != nil {
		return nil, err
	}
	select {
	case s.reading <- struct{}{}:
	case <-ctx.Done():
		return nil, job.Wrap(job.CodeUnavailable, ctx.Err(), "too many definitions are being read: try again")
	}
	defer func() { <-s.reading }()
	return job.LoadIn(job.Team{Variables: variables}, source)
}

// ValidateDefinitions checks definitions and keeps nothing.
func (s *server) ValidateDefinitions(ctx context.Context, request api.ValidateDefinitionsRequestObject) (api.ValidateDefinitionsResponseObject, error) {
	versions, err := s.load(ctx, request.Team, request.Body)
	if err != nil {
		return nil, err
	}
	jobs := make([]api.ValidatedJob, len(versions))
	for i, version := range versions {
		jobs[i] = api.ValidatedJob{Name: version.Definition.Name, Digest: version.Digest, Warnings: warnings(version)}
	}
	return api.ValidateDefinitions200JSONResponse{Valid: true, Jobs: jobs}, nil
}

// warnings are a version's, never nil.
func warnings(version *job.Version) []api.Place {
	if places := problem.Places(version.Warnings); places != nil {
		return places
	}
	return []api.Place{}
}

// ListJobs lists a team's jobs.
func (s *server) ListJobs(ctx context.Context, request api.ListJobsRequestObject) (api.ListJobsResponseObject, error) {
	page, err := s.Jobs.Jobs(ctx, request.Team, pageLimit(request.Params.Limit), value(request.Params.Cursor))
	if err != nil {
		return nil, err
	}
	items := make([]api.JobSummary, len(page.Items))
	for i, j := range page.Items {
		items[i] = api.JobSummary{
			Team: j.Team, Name: j.Job, Version: j.Version, Digest: j.Digest,
			Description: j.Description, Labels: labels(j.Labels), CreatedAt: j.CreatedAt,
		}
	}
	return api.ListJobs200JSONResponse{Items: items, Next: page.Next}, nil
}

// ListJobVersions lists a job's versions.
func (s *server) ListJobVersions(ctx context.Context, request api.ListJobVersionsRequestObject) (api.ListJobVersionsResponseObject, error) {
	page, err := s.Jobs.Versions(ctx, request.Team, request.Job, pageLimit(request.Params.Limit), value(request.Params.Cursor))
	if err != nil {
		return nil, err
	}
	items := make([]api.Job, len(page.Items))
	for i, j := range page.Items {
		items[i] = toJob(j)
	}
	return api.ListJobVersions200JSONResponse{Items: items, Next: page.Next}, nil
}

// GetJob returns one version, as JSON or as it was published.
func (s *server) GetJob(ctx context.Context, request api.GetJobRequestObject) (api.GetJobResponseObject, error) {
	j, err := s.Jobs.Job(ctx, request.Team, request.Job, int(value(request.Params.Version)))
	if err != nil {
		return nil, err
	}
	if accepted(ctx, jsonType, yamlType) == yamlType {
		return api.GetJob200ApplicationyamlResponse{Body: bytes.NewReader(j.Source), ContentLength: int64(len(j.Source))}, nil
	}
	return api.GetJob200JSONResponse(toJob(j)), nil
}

func toJob(j store.Job) api.Job {
	return api.Job{
		Team: j.Team, Name: j.Job, Version: j.Version, Current: j.Current, Digest: j.Digest, Description: j.Description,
		Labels: labels(j.Labels), PublishedAt: j.CreatedAt, PublishedBy: j.CreatedBy, Definition: j.Canonical,
	}
}

// accepted is the first of the request's accepted types that is offered; the
// first offered where none is named.
func accepted(ctx context.Context, offered ...string) string {
	c, ok := ctx.(*gin.Context)
	if !ok {
		return offered[0]
	}
	for _, header := range c.Request.Header.Values("Accept") {
		for one := range strings.SplitSeq(header, ",") {
			kind, parameters, err := mime.ParseMediaType(one)
			if err != nil || parameters["q"] == "0" {
				continue
			}
			for _, offer := range offered {
				if kind == offer {
					return offer
				}
			}
		}
	}
	return offered[0]
}

// defaultLimit is a page's size where none is asked for.
const defaultLimit = 50

func pageLimit(limit *int32) int {
	if limit == nil {
		return defaultLimit
	}
	return int(*limit)
}

// value is the zero value for nil.
func value[T any](pointer *T) T {
	if pointer == nil {
		var zero T
		return zero
	}
	return *pointer
}

// labels are never nil: in JSON they are an object.
func labels(found map[string]string) api.Labels {
	if found == nil {
		return api.Labels{}
	}
	return found
}

// rawJSON answers with a JSON value as it is kept.
type rawJSON struct{ body io.Reader }

func (r rawJSON) write(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", jsonType)
	w.WriteHeader(http.StatusOK)
	_, err := io.Copy(w, r.body)
	return err
}

// VisitGetOpenAPIResponse writes the value.
func (r rawJSON) VisitGetOpenAPIResponse(w http.ResponseWriter) error { return r.write(w) }

// VisitGetRunInputResponse writes the value.
func (r rawJSON) VisitGetRunInputResponse(w http.ResponseWriter) error { return r.write(w) }

// VisitGetRunOutputResponse writes the value.
func (r rawJSON) VisitGetRunOutputResponse(w http.ResponseWriter) error { return r.write(w) }
