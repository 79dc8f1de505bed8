package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/fairlead/fairlead/workflows"
)

const (
	team = "default"
	// maxIdle is more connections than any case has clients or calls under way.
	maxIdle = 200
)

// fairlead runs jobs as its users do: through REST, until the run's row says that it has
// ended; its steps' logs are kept by then.
type fairlead struct {
	url, token, target string
	http               *http.Client
}

func newFairlead(url, token, target string) *fairlead {
	return &fairlead{url: url, token: token, target: target, http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: maxIdle}}}
}

func (f *fairlead) prepare(ctx context.Context, c Case) error {
	name, file := c.job()
	_, err := f.send(ctx, http.MethodPut, "/v1/teams/"+team+"/jobs/"+name, "application/yaml", []byte(file))
	return err
}

func (f *fairlead) run(ctx context.Context, c Case) (string, error) {
	name, _ := c.job()
	body, err := json.Marshal(map[string]any{"input": map[string]string{"target": f.target}})
	if err != nil {
		return "", err
	}
	answer, err := f.send(ctx, http.MethodPost, "/v1/teams/"+team+"/jobs/"+name+"/runs", "application/json", body)
	if err != nil {
		return "", err
	}
	var run struct{ ID, Status string }
	if err := json.Unmarshal(answer, &run); err != nil {
		return "", err
	}
	if run.Status != "succeeded" {
		return "", fmt.Errorf("run %s is %s", run.ID, run.Status)
	}
	return workflows.RunID(team, run.ID), nil
}

// send sends a request that waits for the end of what it starts.
func (f *fairlead) send(ctx context.Context, method, path, contentType string, body []byte) (answer []byte, err error) {
	request, err := http.NewRequestWithContext(ctx, method, f.url+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+f.token)
	request.Header.Set("Content-Type", contentType)
	request.Header.Set("Prefer", "wait=60")
	response, err := f.http.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	answer, err = io.ReadAll(response.Body)
	if err == nil && response.StatusCode >= http.StatusMultipleChoices {
		err = fmt.Errorf("%s %s: %s: %s", method, path, response.Status, answer)
	}
	return answer, err
}
