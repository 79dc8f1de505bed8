package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// Leg is one side's turn at a case.
type Leg struct {
	Runs      int
	Took      time.Duration
	Latencies []float64 // of each run, in milliseconds
	Usage     Usage
	LastID    string // of a workflow
}

// perSecond is the leg's throughput.
func (l Leg) perSecond() float64 { return float64(l.Runs) / l.Took.Seconds() }

// turn has the clients make the case's runs. What a run costs after its client
// was answered, until its workflow has closed, is the leg's too.
func (w *world) turn(ctx context.Context, s side, c Case) (Leg, error) {
	before, err := w.gauge.read(ctx)
	if err != nil {
		return Leg{}, err
	}
	leg, ids, err := runAll(ctx, s, c)
	if err != nil {
		return Leg{}, err
	}
	for _, id := range ids[max(0, len(ids)-c.Clients):] {
		if err := w.temporal.GetWorkflow(ctx, id, "").Get(ctx, nil); err != nil {
			return Leg{}, err
		}
	}
	after, err := w.gauge.read(ctx)
	leg.Usage = after.sub(before)
	return leg, err
}

// runAll returns the leg, but for its usage, and the workflows' IDs in order of their ends.
func runAll(ctx context.Context, s side, c Case) (leg Leg, ids []string, err error) {
	var (
		mu     sync.Mutex
		number atomic.Int64
	)
	leg.Runs = c.Runs
	began := time.Now()
	clients, ctx := errgroup.WithContext(ctx)
	for range c.Clients {
		clients.Go(func() error {
			for number.Add(1) <= int64(c.Runs) {
				started := time.Now()
				id, err := s.run(ctx, c)
				if err != nil {
					return err
				}
				took := time.Since(started)
				mu.Lock()
				leg.Latencies, leg.LastID, ids = append(leg.Latencies, took.Seconds()*1000), id, append(ids, id)
				mu.Unlock()
			}
			return nil
		})
	}
	err = clients.Wait()
	leg.Took = time.Since(began)
	return leg, ids, err
}
