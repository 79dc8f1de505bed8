package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"strings"
)

// Options say what to measure; the zero value of each field has a meaning.
type Options struct {
	// Rounds of A B B A; 0 means 1.
	Rounds int
	// Cases keeps the cases whose names have this text; "" keeps all.
	Cases string
	// Report is the Markdown file to write; "" writes none.
	Report string
	// Profile is the folder for CPU profiles; "" keeps none.
	Profile string
	// Binary is the fairlead-dev whose start and memory are measured; "" measures none.
	Binary string
	// Cold measures a build with an empty build cache.
	Cold bool
}

// Result is a case, measured.
type Result struct {
	Case   Case
	Rounds []Round
	// Floor and Fairlead are what Temporal keeps of one run of each.
	Floor, Fairlead Events
	// Shares says where the processor's time goes.
	Shares []Share
}

// Round is one A B B A: a leg of the floor, two of Fairlead, one of the floor.
type Round struct{ Floor, Fairlead [2]Leg }

// Run measures and reports; out takes a line for each round.
func Run(ctx context.Context, options Options, out io.Writer) error {
	if options.Profile == "" {
		folder, err := os.MkdirTemp("", "fairlead-profiles-")
		if err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(folder) }()
		options.Profile = folder
	}
	if err := absolute(&options.Profile, &options.Report, &options.Binary); err != nil {
		return err
	}
	if err := os.MkdirAll(options.Profile, 0o750); err != nil {
		return err
	}
	ground, err := measureGround(ctx, options, out)
	if err != nil {
		return err
	}
	results, err := measureAll(ctx, options, out)
	if err != nil {
		return err
	}
	replayed, err := interpretAll(options, out)
	if err != nil || options.Report == "" {
		return err
	}
	return writeReport(ctx, options.Report, ground, results, replayed)
}

// chosen are the cases whose names have the options' text.
func (o Options) chosen(all []Case) []Case {
	return slices.DeleteFunc(all, func(c Case) bool { return !strings.Contains(c.Name, o.Cases) })
}

// measureAll measures the chosen cases on a stack of its own.
func measureAll(ctx context.Context, options Options, out io.Writer) (results []Result, err error) {
	chosen := options.chosen(cases())
	if len(chosen) == 0 {
		return nil, nil
	}
	err = inWorld(ctx, io.Discard, func(ctx context.Context, w *world) error {
		for _, c := range chosen {
			result, err := measure(ctx, w, c, options, out)
			if err != nil {
				return fmt.Errorf("%s: %w", c.Name, err)
			}
			results = append(results, result)
		}
		return nil
	})
	return results, err
}

// absolute makes paths absolute: the S3 server changes the working directory.
func absolute(paths ...*string) error {
	for _, path := range paths {
		if *path == "" {
			continue
		}
		abs, err := filepath.Abs(*path)
		if err != nil {
			return err
		}
		*path = abs
	}
	return nil
}

// measure warms both sides up, then takes the rounds.
func measure(ctx context.Context, w *world, c Case, options Options, out io.Writer) (Result, error) {
	result := Result{Case: c}
	for _, s := range []side{w.floor, w.fairlead} {
		if err := s.prepare(ctx, c); err != nil {
			return result, err
		}
		if _, err := w.turn(ctx, s, c); err != nil {
			return result, err
		}
	}
	for n := range max(options.Rounds, 1) {
		round, err := abba(ctx, w, c)
		if err != nil {
			return result, err
		}
		result.Rounds = append(result.Rounds, round)
		_, _ = fmt.Fprintf(out, "%-34s round %d: %s\n", c.Name, n+1, round.line(c))
	}
	last := result.Rounds[len(result.Rounds)-1]
	var err error
	if result.Floor, err = w.events(ctx, last.Floor[1].LastID); err != nil {
		return result, err
	}
	if result.Fairlead, err = w.events(ctx, last.Fairlead[1].LastID); err != nil {
		return result, err
	}
	result.Shares, err = shares(ctx, w, c, options.Profile)
	return result, err
}

func (w *world) events(ctx context.Context, id string) (Events, error) {
	return events(ctx, w.temporal, w.stack.Config().Temporal["TEMPORAL_NAMESPACE"], id)
}

// abba is one round.
func abba(ctx context.Context, w *world, c Case) (round Round, err error) {
	for _, leg := range []struct {
		side side
		into *Leg
	}{{w.floor, &round.Floor[0]}, {w.fairlead, &round.Fairlead[0]}, {w.fairlead, &round.Fairlead[1]}, {w.floor, &round.Floor[1]}} {
		if *leg.into, err = w.turn(ctx, leg.side, c); err != nil {
			return round, err
		}
	}
	return round, nil
}

// profiled has a side take the case's runs under the profiler, and sums up what one of them took.
func profiled(ctx context.Context, w *world, s side, c Case, path string) (parts map[string]float64, err error) {
	file, err := os.Create(path) //nolint:gosec // a folder of the caller's
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if err := pprof.StartCPUProfile(file); err != nil {
		return nil, err
	}
	const turns = 3
	for range turns {
		if _, err = w.turn(ctx, s, c); err != nil {
			break
		}
	}
	pprof.StopCPUProfile()
	if err != nil {
		return nil, err
	}
	return sumUp(path, turns*c.Runs)
}

// shares profiles both sides; the profile has a turn of its own, since taking it costs time.
func shares(ctx context.Context, w *world, c Case, folder string) ([]Share, error) {
	path := filepath.Join(folder, strings.NewReplacer(" ", "_", ",", "").Replace(c.Name))
	floor, err := profiled(ctx, w, w.floor, c, path+"_floor.pprof")
	if err != nil {
		return nil, err
	}
	fairlead, err := profiled(ctx, w, w.fairlead, c, path+".pprof")
	if err != nil {
		return nil, err
	}
	return compare(floor, fairlead), nil
}
