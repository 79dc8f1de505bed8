package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/fairlead/fairlead/gateway/api"
	"github.com/fairlead/fairlead/gateway/auth"
)

// GetHealth answers.
func (s *server) GetHealth(context.Context, api.GetHealthRequestObject) (api.GetHealthResponseObject, error) {
	return api.GetHealth200JSONResponse{Status: "ok"}, nil
}

// GetReady looks at every part.
func (s *server) GetReady(ctx context.Context, _ api.GetReadyRequestObject) (api.GetReadyResponseObject, error) {
	return s.ready.look(ctx), nil
}

// GetOpenAPI returns the REST document.
func (s *server) GetOpenAPI(context.Context, api.GetOpenAPIRequestObject) (api.GetOpenAPIResponseObject, error) {
	return rawJSON{bytes.NewReader(s.contract.JSON())}, nil
}

// GetMe returns the caller.
func (s *server) GetMe(ctx context.Context, _ api.GetMeRequestObject) (api.GetMeResponseObject, error) {
	caller := auth.From(ctx)
	teams := make(map[string]api.Role, len(caller.Teams))
	for team, role := range caller.Teams {
		teams[team] = api.Role(role.String())
	}
	groups := caller.Groups
	if groups == nil {
		groups = []string{}
	}
	return api.GetMe200JSONResponse{
		Subject: caller.Subject, Email: caller.Email, Groups: groups, Teams: teams, ExpiresAt: caller.Expires,
	}, nil
}

// ListActions lists what a step can use.
func (s *server) ListActions(context.Context, api.ListActionsRequestObject) (api.ListActionsResponseObject, error) {
	return api.ListActions200JSONResponse{Items: s.actions}, nil
}

// loadActions reads the contracts of the actions.
func loadActions(contracts map[string][]byte) ([]api.Action, error) {
	actions := make([]api.Action, 0, len(contracts))
	for _, name := range slices.Sorted(maps.Keys(contracts)) {
		var action api.Action
		if err := json.Unmarshal(contracts[name], &action); err != nil {
			return nil, fmt.Errorf("read the contract of action %s: %w", name, err)
		}
		actions = append(actions, action)
	}
	return actions, nil
}
