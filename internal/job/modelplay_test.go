package job_test

import (
	"slices"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/job/jobmodel"
)

// player runs a job by its plans alone, as a workflow would: it starts what they
// say, ends what was started in the script's order, and asks again.
type player struct {
	*rapid.T
	script jobmodel.Script
	now    time.Duration
	// flying are the calls, waits and approvals under way.
	flying []flight
	// listed is when the items of a step were known.
	listed map[string]time.Duration
	begun  []jobmodel.Unit
	items  map[jobmodel.Unit]job.StepState
	steps  map[string]job.StepState
	// piecemeal has one thing done of each plan, otherwise all.
	piecemeal bool
	// stopped: nothing is started any more, and all that is under way ends canceled.
	stopped bool
}

type flight struct {
	at   time.Duration
	land func(end job.StepState)
	end  job.StepState
}

// stage is a block being played, for one item.
type stage struct {
	*player
	block  *job.Block
	steps  map[string]jobmodel.Step
	item   string
	states map[string]job.StepState
	ends   int
	ended  func(plan job.Plan)
}

// stepsOf are the model's steps as the planner knows them.
func stepsOf(steps []jobmodel.Step) []job.Step {
	made := make([]job.Step, len(steps))
	for i, step := range steps {
		made[i] = job.Step{ID: step.ID, Needs: jobmodel.Needs(steps, i), Steps: stepsOf(step.Steps)}
		if f := step.Foreach; f != nil {
			made[i].Foreach = &job.Foreach{Parallel: f.Parallel, Tolerate: job.Tolerance{Items: f.Tolerate}}
			if f.Percent {
				made[i].Foreach.Tolerate = job.Tolerance{Percent: f.Tolerate}
			}
		}
	}
	return made
}

// play plays a block to its end.
func (p *player) play(steps []jobmodel.Step, always bool, cancel time.Duration) job.Plan {
	var last job.Plan
	p.open(steps, always, "", func(plan job.Plan) { last = plan })
	for len(p.flying) > 0 {
		first := 0
		for i := range p.flying {
			if p.flying[i].at < p.flying[first].at {
				first = i
			}
		}
		next := p.flying[first]
		if cancel > 0 && !p.stopped && next.at > cancel {
			p.stop(cancel)
			break
		}
		p.flying = slices.Delete(p.flying, first, first+1)
		p.now = next.at
		next.land(next.end)
	}
	require.True(p, last.Done, "what has nothing under way has ended")
	return last
}

// stop ends all that is under way as canceled, and begins nothing more.
func (p *player) stop(at time.Duration) {
	p.now, p.stopped = at, true
	flying := p.flying
	p.flying = nil
	for _, f := range flying {
		f.land(job.StepState{Status: job.StatusCanceled})
	}
}

// open begins a block; ended gets its last plan.
func (p *player) open(steps []jobmodel.Step, always bool, item string, ended func(plan job.Plan)) {
	s := &stage{
		player: p, block: job.NewBlock(stepsOf(steps), always), item: item, ended: ended,
		steps: map[string]jobmodel.Step{}, states: map[string]job.StepState{},
	}
	for _, step := range steps {
		s.steps[step.ID] = step
	}
	s.advance()
}

// advance does what the plan says until it says nothing new.
func (s *stage) advance() {
	for id := range s.steps {
		if s.stopped && s.states[id].Status == "" {
			s.settle(id, job.StepState{Status: job.StatusCanceled})
		}
	}
	for {
		plan := s.ask()
		if s.piecemeal {
			plan.Skip, plan.Ready = plan.Skip[:min(len(plan.Skip), 1)], plan.Ready[:min(len(plan.Ready), 1-min(len(plan.Skip), 1))]
			plan.Done = plan.Done && len(plan.Skip) == 0
		}
		for _, id := range plan.Skip {
			s.settle(id, job.StepState{Status: job.StatusSkipped, Reason: job.ReasonUpstream})
		}
		if plan.Done {
			if s.stopped { // whatever its steps came to
				plan.Outcome, plan.FailedStep = job.StatusCanceled, ""
			}
			s.ended(plan)
			return
		}
		moved := len(plan.Skip) > 0 || s.piecemeal && len(plan.Ready) > 0
		for _, id := range plan.Ready {
			moved = s.begin(id) || moved
		}
		if !moved {
			return
		}
	}
}

// ask returns the plan, which must be a function of the states alone and name nothing that has begun.
func (s *stage) ask() job.Plan {
	states := placed(s.block, s.states)
	plan := s.block.Next(states)
	require.Equal(s, placed(s.block, s.states), states, "a plan changes nothing")
	require.Equal(s, plan, s.block.Next(states), "the same states give the same plan")
	for _, id := range slices.Concat(plan.Ready, plan.Skip) {
		require.Empty(s, s.states[id].Status, "%s has begun before", id)
	}
	for _, step := range s.block.Steps {
		for _, need := range step.Needs {
			if slices.Contains(plan.Ready, step.ID) {
				require.True(s, s.states[need].Status.Ended(), "%s begins before %s has ended", step.ID, need)
			}
			if slices.Contains(plan.Skip, need) && s.states[step.ID].Status == "" {
				require.Contains(s, plan.Skip, step.ID, "it can't begin any more")
			}
		}
	}
	require.Equal(s, plan.Done, plan.Outcome != "")
	return plan
}

// begin starts or skips a step and reports whether it has ended at once.
func (s *stage) begin(id string) bool {
	step := s.steps[id]
	if step.If && s.script.Skips[jobmodel.Unit{Step: id, Item: s.item}] {
		s.settle(id, job.StepState{Status: job.StatusSkipped, Reason: job.ReasonCondition})
		return true
	}
	s.states[id] = job.StepState{Status: job.StatusRunning}
	sync, at := true, false
	end := func(state job.StepState) {
		s.settle(id, state)
		if at = sync; !sync {
			s.advance()
		}
	}
	if step.Foreach == nil {
		s.once(step, s.item, end)
	} else {
		s.foreach(step, end)
	}
	sync = false
	return at
}

// settle notes a step's end.
func (s *stage) settle(id string, state job.StepState) {
	s.ends++
	state.Order = s.ends
	s.states[id] = state
	if s.item == "" {
		s.player.steps[id] = state
	} else {
		s.items[jobmodel.Unit{Step: id, Item: s.item}] = state
	}
}

// once does a step, or one item of it.
func (s *stage) once(step jobmodel.Step, item string, end func(state job.StepState)) {
	cover := func(state job.StepState, code string) job.StepState {
		state.Order = 0
		covered := step.Cover == jobmodel.CoverAll || step.Cover == jobmodel.CoverSoft && code == "soft"
		if covered && (state.Status == job.StatusFailed || state.Status == job.StatusTimedOut) {
			state.Reason = job.ReasonTolerated
		}
		return state
	}
	if step.Kind == jobmodel.Group {
		s.open(step.Steps, false, item, func(plan job.Plan) {
			end(cover(job.StepState{Status: plan.Outcome}, s.code(plan.FailedStep, item)))
		})
		return
	}
	unit := jobmodel.Unit{Step: step.ID, Item: item}
	if step.Kind == jobmodel.Call || step.Kind == jobmodel.Child {
		s.begun = append(s.begun, unit)
	}
	does := s.call(step, unit)
	state := cover(job.StepState{Status: job.Status(does.Status)}, does.Code)
	if does.After == 0 {
		end(state)
		return
	}
	s.flying = append(s.flying, flight{at: s.now + does.After, land: end, end: state})
}

// call is what the script has a step do.
func (p *player) call(step jobmodel.Step, unit jobmodel.Unit) jobmodel.Done {
	does := jobmodel.Done{Status: jobmodel.Succeeded, After: step.Time}
	decision, decided := p.script.Decisions[unit]
	called, ok := p.script.Callbacks[unit]
	switch {
	case step.Kind == jobmodel.Call, step.Kind == jobmodel.Child:
		return p.script.Calls[unit]
	case decided && decision.After < step.Time:
		if does.After = decision.After; !decision.Approved {
			does.Status = jobmodel.Failed
		}
	case ok && called >= p.listed[step.ID] && called < p.now+step.Time:
		does.After = max(0, called-p.now)
	case step.OnTimeout == jobmodel.Reject:
		does.Status = jobmodel.Failed
	case step.OnTimeout == jobmodel.Fail, step.Kind == jobmodel.Callback:
		does.Status = jobmodel.TimedOut
	}
	return does
}

// code is that of an inner step's failure: of its call, or of its items, which is none that is soft.
func (p *player) code(step, item string) string {
	return p.script.Calls[jobmodel.Unit{Step: step, Item: item}].Code
}

// foreach starts as many items as the plan says, one at a time.
func (s *stage) foreach(step jobmodel.Step, end func(state job.StepState)) {
	keys := step.Foreach.Keys()
	for _, listed := range append(step.Steps, step) {
		s.listed[listed.ID] = s.now
	}
	plan := stepsOf([]jobmodel.Step{step})[0].Foreach
	state, busy, done := job.ItemsState{Total: len(keys)}, false, false
	var next func()
	next = func() {
		if busy {
			return
		}
		busy = true
		for !s.stopped && plan.Next(state).Start > 0 {
			item := keys[state.Started]
			state.Started++
			require.LessOrEqual(s, underWay(state), step.Foreach.Parallel)
			s.once(step, item, func(ended job.StepState) {
				s.items[jobmodel.Unit{Step: step.ID, Item: item}] = ended
				count(&state, ended)
				next()
			})
		}
		busy = false
		now := plan.Next(state)
		require.Equal(s, now, plan.Next(state), "the same states give the same plan")
		switch {
		case done:
		case s.stopped && underWay(state) == 0:
			now.Done, now.Outcome = true, job.StatusCanceled // whatever its items came to
			fallthrough
		case now.Done:
			done = true
			end(job.StepState{Status: now.Outcome})
		}
	}
	next()
}

func underWay(state job.ItemsState) int {
	return state.Started - state.Succeeded - state.Failed - state.Tolerated - state.Canceled
}

func count(state *job.ItemsState, end job.StepState) {
	switch {
	case end.Status == job.StatusSucceeded:
		state.Succeeded++
	case end.Status == job.StatusCanceled:
		state.Canceled++
	case end.Reason == job.ReasonTolerated:
		state.Tolerated++
	default:
		state.Failed++
	}
}
