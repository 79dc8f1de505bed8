package main

import (
	"fmt"

	"github.com/montanaflynn/stats"
)

// Spread is the median of the rounds, with the least and the greatest.
type Spread struct{ Median, Min, Max float64 }

func spread(values []float64) Spread {
	median, _ := stats.Median(values) // the error is that of no values
	least, _ := stats.Min(values)
	greatest, _ := stats.Max(values)
	return Spread{median, least, greatest}
}

// figure is what a leg's case is about: runs a second, or the milliseconds of the median run.
func (c Case) figure(legs ...Leg) float64 {
	var all []float64
	for _, leg := range legs {
		if c.Throughput {
			all = append(all, leg.perSecond())
		} else {
			all = append(all, leg.Latencies...)
		}
	}
	if c.Throughput {
		mean, _ := stats.Mean(all)
		return mean
	}
	median, _ := stats.Median(all)
	return median
}

// ratio is Fairlead's figure over the floor's, of one round.
func (r Round) ratio(c Case) float64 { return c.figure(r.Fairlead[:]...) / c.figure(r.Floor[:]...) }

func (r Round) line(c Case) string {
	unit := "ms"
	if c.Throughput {
		unit = "runs/s"
	}
	one := func(legs [2]Leg) string {
		u := perRun(legs[:]...)
		return fmt.Sprintf("%.1f %s (per run: CPU %.1f ms and Postgres %.1f ms, %.1f commits)", c.figure(legs[:]...), unit, 1000*u.Process, 1000*u.Postgres, u.Commits)
	}
	return fmt.Sprintf("ratio %.3f; floor %s; Fairlead %s", r.ratio(c), one(r.Floor), one(r.Fairlead))
}

// perRun is what a run of these legs took.
func perRun(legs ...Leg) (one Usage) {
	var runs float64
	for _, leg := range legs {
		runs += float64(leg.Runs)
		one.Process += leg.Usage.Process
		one.Postgres += leg.Usage.Postgres
		one.Commits += leg.Usage.Commits
	}
	return Usage{Process: one.Process / runs, Postgres: one.Postgres / runs, Commits: one.Commits / runs}
}
