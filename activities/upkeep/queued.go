package upkeep

import (
	"context"
	"time"

	"github.com/fairlead/fairlead/activities"
)

const (
	// unstartedAge is how old a run is before its start is taken from the one who acknowledged it.
	unstartedAge = 5 * time.Second
	// starters start runs at the same time: as many inputs are in memory.
	starters = 16
	// startTimeout bounds one start; it is less than reserve, so that every start
	// that a sweep begins ends in the sweep's time.
	startTimeout = 4 * time.Second
)

// StartQueued starts the workflow of every acknowledged run that has none. A
// run that can't be started keeps no other from it, nor does one whose start
// hangs: a sweep that runs out of time goes on there the next time. The error
// is of the last one, and given only if none was started.
func (s *Sweeper) StartQueued(ctx context.Context) (activities.Swept, error) {
	s.starting.Lock()
	defer s.starting.Unlock()
	var (
		swept   activities.Swept
		problem error
	)
	for !s.late(ctx) {
		ids, err := s.Runs.Unstarted(ctx, unstartedAge, s.tried, page)
		if err != nil {
			problem = err
			break
		}
		count, begun, err := s.startAll(ctx, ids)
		swept.Count += count
		if err != nil {
			problem = err
		}
		if begun == len(ids) && begun < page {
			s.tried = ""
			break
		}
		if begun > 0 {
			s.tried = ids[begun-1]
		}
	}
	if swept.Count > 0 {
		return swept, nil
	}
	return swept, problem
}

// startAll starts runs until the sweep's time is nearly over. It returns how
// many were started, with how many it was tried, and the last error.
func (s *Sweeper) startAll(ctx context.Context, ids []string) (count, begun int, problem error) {
	started, errs := make([]bool, len(ids)), make([]error, len(ids))
	begun = together(ids, starters, func() bool { return s.late(ctx) }, func(i int, id string) {
		started[i], errs[i] = s.start(ctx, id)
	})
	for i := range begun {
		if started[i] {
			count++
		}
		if errs[i] != nil {
			problem = errs[i]
		}
	}
	return count, begun, problem
}

// start starts a run that still waits for it.
func (s *Sweeper) start(ctx context.Context, id string) (started bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	run, err := s.Runs.Run(ctx, id)
	if gone(err) || err == nil && (run.Status.Ended() || !run.WorkflowStartedAt.IsZero()) {
		return false, nil
	}
	if err == nil {
		err = s.Start(ctx, run)
	}
	if err != nil {
		run.ID = id
		s.Log.Warn("a queued run could not be started", attrs(run, err)...)
	}
	return err == nil, err
}
