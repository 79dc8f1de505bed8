package gateway

import (
	"context"
	"strconv"
	"strings"

	"github.com/fairlead/fairlead/gateway/api"
	"github.com/fairlead/fairlead/gateway/auth"
	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/store"
)

// ListVariables lists a team's variables.
func (s *server) ListVariables(ctx context.Context, request api.ListVariablesRequestObject) (api.ListVariablesResponseObject, error) {
	page, err := s.Variables.ListVariables(ctx, request.Team, pageLimit(request.Params.Limit), value(request.Params.Cursor))
	if err != nil {
		return nil, err
	}
	items := make([]api.Variable, len(page.Items))
	for i, variable := range page.Items {
		items[i] = toVariable(variable)
	}
	return api.ListVariables200JSONResponse{Items: items, Next: page.Next}, nil
}

// GetVariable returns one variable.
func (s *server) GetVariable(ctx context.Context, request api.GetVariableRequestObject) (api.GetVariableResponseObject, error) {
	variable, err := s.Variables.Variable(ctx, request.Team, request.Name)
	if err != nil {
		return nil, err
	}
	return api.GetVariable200JSONResponse{Body: toVariable(variable), Headers: api.GetVariable200ResponseHeaders{ETag: etag(variable)}}, nil
}

// PutVariable creates a variable, or changes the one that the caller has seen.
func (s *server) PutVariable(ctx context.Context, request api.PutVariableRequestObject) (api.PutVariableResponseObject, error) {
	wanted := store.Variable{
		Team: request.Team, Name: request.Name, Value: request.Body.Value, Description: request.Body.Description,
		UpdatedBy: auth.From(ctx).Subject,
	}
	if job.ReservedName(request.Name) {
		return nil, malformed([]job.Field{{Pointer: "/path/name", Message: "`" + request.Name + "` is a reserved word of expressions; choose another name"}})
	}
	if err := checkValue(request.Body.Value); err != nil {
		return nil, err
	}
	match, create := request.Params.IfMatch, request.Params.IfNoneMatch != nil
	switch {
	case match != nil && create:
		return nil, malformed([]job.Field{{Pointer: "/header/If-Match", Message: "If-Match changes a variable that is there, If-None-Match: * creates one that isn't; send one of them"}})
	case create:
		created, err := s.Variables.CreateVariable(ctx, wanted)
		if err != nil {
			return nil, err
		}
		return api.PutVariable201JSONResponse{Body: toVariable(created), Headers: api.PutVariable201ResponseHeaders{ETag: etag(created)}}, nil
	case match == nil:
		return nil, job.Errorf(job.CodeUnconditional, "send If-Match with the ETag that you have read, or If-None-Match: * to create the variable")
	}
	changed, err := s.Variables.ChangeVariable(ctx, wanted, revs(*match))
	if err != nil {
		return nil, err
	}
	return api.PutVariable200JSONResponse{Body: toVariable(changed), Headers: api.PutVariable200ResponseHeaders{ETag: etag(changed)}}, nil
}

// DeleteVariable removes the variable that the caller has seen.
func (s *server) DeleteVariable(ctx context.Context, request api.DeleteVariableRequestObject) (api.DeleteVariableResponseObject, error) {
	if request.Params.IfMatch == nil {
		return nil, job.Errorf(job.CodeUnconditional, "send If-Match with the ETag that you have read, or If-Match: * to delete whatever is there")
	}
	err := s.Variables.DeleteVariable(ctx, request.Team, request.Name, auth.From(ctx).Subject, revs(*request.Params.IfMatch))
	if job.CodeOf(err) == job.CodeStale {
		if _, missing := s.Variables.Variable(ctx, request.Team, request.Name); missing != nil {
			return nil, missing
		}
	}
	if err != nil {
		return nil, err
	}
	return api.DeleteVariable204Response{}, nil
}

// etag is a variable's strong entity tag (RFC 9110, section 8.8.3).
func etag(variable store.Variable) *string {
	tag := `"` + strconv.FormatInt(variable.Rev, 10) + `"`
	return &tag
}

// revs are the states that an If-Match allows (RFC 9110, section 13.1.1): nil for
// any; what is no tag of ours, or a weak one, allows none.
func revs(match string) []int64 {
	allowed := []int64{}
	for one := range strings.SplitSeq(match, ",") {
		one = strings.TrimSpace(one)
		if one == "*" {
			return nil
		}
		digits, opened := strings.CutPrefix(one, `"`)
		digits, closed := strings.CutSuffix(digits, `"`)
		if rev, err := strconv.ParseInt(digits, 10, 64); err == nil && opened && closed {
			allowed = append(allowed, rev)
		}
	}
	return allowed
}

func toVariable(variable store.Variable) api.Variable {
	return api.Variable{
		Team: variable.Team, Name: variable.Name, Value: variable.Value, Description: variable.Description,
		UpdatedAt: variable.UpdatedAt, UpdatedBy: variable.UpdatedBy,
	}
}
