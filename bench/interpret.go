package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"strings"
	"time"

	historypb "go.temporal.io/api/history/v1"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/workflows"
)

// A round goes A B B A in so many turns, with so many replays in a leg: legs of some
// 30 ms, so that what else the machine does at a time slows both sides alike.
const (
	turns   = 20
	replays = 5
)

// Interpretation is what ordering a run's steps costs alone: both sides' workflows
// go through the same history in the SDK's replayer, without a server.
type Interpretation struct {
	Case Case
	// Floor and Fairlead are the microseconds of a step, in every leg.
	Floor, Fairlead []float64
	// Ratios are those of the rounds.
	Ratios []float64
}

// interpretations are what is replayed.
func interpretations() []Case {
	return []Case{
		{Name: "100 sequential steps, replayed", Steps: 100, Clients: 1, Runs: 1, Limit: 1.15},
		{Name: "100 parallel steps, replayed", Steps: 100, Parallel: true, Clients: 1, Runs: 1, Limit: 1.15},
	}
}

// interpretAll measures the chosen cases.
func interpretAll(options Options, out io.Writer) (measured []Interpretation, err error) {
	for _, c := range options.chosen(interpretations()) {
		one, err := interpret(c, max(options.Rounds, 1), out)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.Name, err)
		}
		measured = append(measured, one)
	}
	return measured, nil
}

// answer is what a call gives.
func answer() activities.StepResult {
	return activities.StepResult{
		Output:  json.RawMessage(`{"status":200,"headers":{"content-type":"application/json"},"body":{"ok":true,"rows":[{"id":1,"name":"one"},{"id":2,"name":"two"}]}}`),
		Attempt: 1, Log: activities.Log{Key: "logs/team=default/dt=2026-01-05/run=run_06gzm0xgfdz19dxh26c6qf2mf8/s1/0001-1795195908279.ndjson.gz", Records: 3, SHA256: strings.Repeat("5d", sha256.Size)},
	}
}

// histories are those of a case's run by hand and of Fairlead's: the same events in the same order.
func histories(c Case) (hand, fairlead *historypb.History, err error) {
	run := activities.Run{ID: "run_06gzm0xgfdz19dxh26c6qf2mf8", Team: team, Job: "bench_100", Version: 1, CreatedAt: time.Date(2026, time.January, 5, 10, 0, 0, 0, time.UTC)}
	const target = "http://127.0.0.1:4000/"
	if hand, err = chronicleOf(c, handWorkflow, handInput{Run: run, Target: target, Steps: c.Steps, Parallel: c.Parallel, Pause: recordPause}); err != nil {
		return nil, nil, err
	}
	_, file := c.job()
	versions, err := job.Load([]byte(file))
	if err != nil {
		return nil, nil, err
	}
	fairlead, err = chronicleOf(c, workflows.TypeRun, workflows.RunInput{
		Run: run, Definition: versions[0].Canonical, Input: json.RawMessage(`{"target":"` + target + `"}`), Trigger: "api", RecordPause: recordPause,
	})
	return hand, fairlead, err
}

// newReplayer knows both workflows.
func newReplayer() (worker.WorkflowReplayer, error) {
	replayer, err := worker.NewWorkflowReplayerWithOptions(worker.WorkflowReplayerOptions{})
	if err != nil {
		return nil, err
	}
	replayer.RegisterWorkflowWithOptions(byHand, workflow.RegisterOptions{Name: handWorkflow})
	replayer.RegisterWorkflowWithOptions(workflows.NewRun(), workflow.RegisterOptions{Name: workflows.TypeRun})
	return replayer, nil
}

// interpret replays both histories in turn, A B B A, after a round that warms up. Garbage
// is collected once before a round, and then by itself: that is a part of the cost.
func interpret(c Case, rounds int, out io.Writer) (Interpretation, error) {
	measured := Interpretation{Case: c}
	hand, fairlead, err := histories(c)
	if err != nil {
		return measured, err
	}
	replayer, err := newReplayer()
	if err != nil {
		return measured, err
	}
	for n := range rounds + 1 {
		runtime.GC()
		var legs [4]float64
		for range turns {
			for i, history := range []*historypb.History{hand, fairlead, fairlead, hand} {
				took, err := replay(replayer, history, replays, c.Steps)
				if err != nil {
					return measured, err
				}
				legs[i] += took / turns
			}
		}
		if n > 0 {
			measured.add(legs)
			_, _ = fmt.Fprintf(out, "%-34s round %d: ratio %.3f; by hand %.1f µs a step; Fairlead %.1f µs a step\n",
				c.Name, n, measured.Ratios[n-1], (legs[0]+legs[3])/2, (legs[1]+legs[2])/2)
		}
	}
	return measured, nil
}

// add takes the microseconds of a round's legs, A B B A.
func (i *Interpretation) add(legs [4]float64) {
	i.Floor = append(i.Floor, legs[0], legs[3])
	i.Fairlead = append(i.Fairlead, legs[1], legs[2])
	i.Ratios = append(i.Ratios, (legs[1]+legs[2])/(legs[0]+legs[3]))
}

// replay goes through a history again and again and returns the microseconds of this
// process that a step took: other processes are none of it.
func replay(replayer worker.WorkflowReplayer, history *historypb.History, times, steps int) (float64, error) {
	log := sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler))
	before, err := processTime()
	if err != nil {
		return 0, err
	}
	for range times {
		if err := replayer.ReplayWorkflowHistory(log, history); err != nil {
			return 0, fmt.Errorf("replay: %w", err)
		}
	}
	after, err := processTime()
	const micro = 1e6
	return micro * (after - before) / float64(times*steps), err
}

// Ratio is Fairlead's cost over that by hand.
func (i Interpretation) Ratio() Spread { return spread(i.Ratios) }

// Kept says whether the limit is kept.
func (i Interpretation) Kept() string {
	if i.Ratio().Median <= i.Case.Limit {
		return "kept"
	}
	return "not kept"
}

// Sides are the microseconds of a step, by hand and Fairlead's.
func (i Interpretation) Sides() [2]float64 {
	return [2]float64{spread(i.Floor).Median, spread(i.Fairlead).Median}
}
