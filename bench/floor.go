package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

const floorQueue = "floor"

// floorInput is the input of the floor's workflow.
type floorInput struct {
	Target   string
	Steps    int
	Parallel bool
}

// floorAnswer is what a call of the floor returns.
type floorAnswer struct {
	Status int
	Body   json.RawMessage
}

// floorWorkflow is what one would write by hand for the same calls.
func floorWorkflow(ctx workflow.Context, in floorInput) error {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: time.Minute, HeartbeatTimeout: 30 * time.Second,
		RetryPolicy: &temporal.RetryPolicy{MaximumAttempts: 3},
	})
	var calls []workflow.Future
	for i := range in.Steps {
		call := workflow.ExecuteActivity(ctx, "call", in.Target, workflow.GetInfo(ctx).WorkflowExecution.ID+"/"+strconv.Itoa(i))
		calls = append(calls, call)
		if in.Parallel {
			continue
		}
		if err := call.Get(ctx, nil); err != nil {
			return err
		}
	}
	var answer floorAnswer
	for _, call := range calls {
		if err := call.Get(ctx, &answer); err != nil {
			return err
		}
	}
	return nil
}

// floorCall is the floor's activity.
func floorCall(calls *http.Client) func(ctx context.Context, target, token string) (floorAnswer, error) {
	return func(ctx context.Context, target, token string) (answer floorAnswer, err error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, target, http.NoBody)
		if err != nil {
			return floorAnswer{}, err
		}
		request.Header.Set("Idempotency-Key", token)
		response, err := calls.Do(request)
		if err != nil {
			return floorAnswer{}, err
		}
		defer func() { err = errors.Join(err, response.Body.Close()) }()
		body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
		if err != nil {
			return floorAnswer{}, err
		}
		if response.StatusCode != http.StatusOK || !json.Valid(body) {
			return floorAnswer{}, fmt.Errorf("GET %s: status %d", target, response.StatusCode)
		}
		return floorAnswer{Status: response.StatusCode, Body: body}, nil
	}
}

// floor runs the workflow written by hand, through Temporal's own client.
type floor struct {
	client client.Client
	worker worker.Worker
	target string
	number atomic.Int64
}

func newFloor(temporal client.Client, target string, tuning worker.Options) (*floor, error) {
	w := worker.New(temporal, floorQueue, tuning)
	w.RegisterWorkflowWithOptions(floorWorkflow, workflow.RegisterOptions{Name: "floor"})
	transport := &http.Transport{MaxIdleConnsPerHost: maxIdle}
	w.RegisterActivityWithOptions(floorCall(&http.Client{Transport: transport}), activity.RegisterOptions{Name: "call"})
	return &floor{client: temporal, worker: w, target: target}, w.Start()
}

func (*floor) prepare(context.Context, Case) error { return nil }

func (f *floor) run(ctx context.Context, c Case) (string, error) {
	id := fmt.Sprintf("floor/%d", f.number.Add(1))
	started, err := f.client.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: id, TaskQueue: floorQueue}, "floor",
		floorInput{Target: f.target, Steps: c.Steps, Parallel: c.Parallel})
	if err != nil {
		return "", err
	}
	return id, started.Get(ctx, nil)
}
