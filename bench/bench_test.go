package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/pprof/profile"
	"github.com/stretchr/testify/require"
	historypb "go.temporal.io/api/history/v1"

	"github.com/fairlead/fairlead/internal/job"
)

func TestCasesAreJobs(t *testing.T) {
	t.Parallel()
	for _, c := range slices.Concat(cases(), interpretations()) {
		_, file := c.job()
		versions, err := job.Load([]byte(file))
		require.NoError(t, err, file)
		steps := versions[0].Definition.Steps
		require.Len(t, steps, c.Steps)
		for i, step := range steps {
			require.Equal(t, i > 0 && !c.Parallel, len(step.Needs) > 0)
		}
	}
}

func legs(throughput bool, values ...float64) []Leg {
	made := make([]Leg, len(values))
	for i, v := range values {
		made[i] = Leg{Runs: 10, Latencies: []float64{v}, Took: time.Second}
		if throughput {
			made[i] = Leg{Runs: int(v), Took: time.Second}
		}
	}
	return made
}

func TestRatios(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		c       Case
		kept    string
		rounds  [][4]float64 // the floor's two legs, then Fairlead's
		want    Spread
		figures [2]string
	}{
		"throughput": {
			c: Case{Throughput: true, Limit: 0.85, Steps: 1}, kept: "kept",
			rounds: [][4]float64{{90, 110, 80, 100}, {100, 100, 80, 80}, {50, 150, 100, 100}},
			want:   Spread{0.9, 0.8, 1}, figures: [2]string{"100.0 runs/s", "90.0 runs/s"},
		},
		"time": {
			c: Case{Limit: 1.1, Steps: 10}, kept: "not kept",
			rounds: [][4]float64{{100, 100, 120, 120}}, want: Spread{1.2, 1.2, 1.2}, figures: [2]string{"10.0 ms a step", "12.0 ms a step"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result := Result{Case: test.c}
			for _, r := range test.rounds {
				l := legs(test.c.Throughput, r[:]...)
				result.Rounds = append(result.Rounds, Round{Floor: [2]Leg{l[0], l[1]}, Fairlead: [2]Leg{l[2], l[3]}})
			}
			ratio := result.Ratio()
			require.InDelta(t, test.want.Median, ratio.Median, 1e-9)
			require.InDelta(t, test.want.Min, ratio.Min, 1e-9)
			require.InDelta(t, test.want.Max, ratio.Max, 1e-9)
			require.Equal(t, test.kept, result.Kept())
			sides := result.Sides()
			for i, want := range test.figures {
				require.Equal(t, want, sides[i].Figure)
			}
		})
	}
}

// Each side makes of its history what it made of it before, and both have the same events.
func TestHistoriesReplay(t *testing.T) {
	t.Parallel()
	for _, c := range interpretations() {
		hand, fairlead, err := histories(c)
		require.NoError(t, err)
		require.Len(t, fairlead.GetEvents(), len(hand.GetEvents()))
		replayer, err := newReplayer()
		require.NoError(t, err)
		for _, history := range []*historypb.History{hand, fairlead} {
			_, err = replay(replayer, history, 1, c.Steps)
			require.NoError(t, err, c.Name)
		}
	}
}

// stack is a sample whose innermost function comes first.
func stack(functions ...string) *profile.Sample {
	sample := &profile.Sample{Value: []int64{1, 10}}
	for _, name := range functions {
		sample.Location = append(sample.Location, &profile.Location{Line: []profile.Line{{Function: &profile.Function{Name: name}}}})
	}
	return sample
}

func TestInnermostPartOwnsASample(t *testing.T) {
	t.Parallel()
	for want, functions := range map[string][]string{
		"Fairlead: rows (store, record)":     {"runtime.mallocgc", "github.com/jackc/pgx/v5.(*Conn).Query", "github.com/fairlead/fairlead/internal/store.(*Store).Record", "go.temporal.io/sdk/internal.run"},
		"Fairlead: the call (activities)":    {"github.com/fairlead/fairlead/activities/httpcall.(*Action).Do", "go.temporal.io/sdk/internal.run"},
		"Temporal's server":                  {"syscall.write", "go.temporal.io/server/service/history.f", "google.golang.org/grpc.g"},
		"garbage collection":                 {"runtime.scanobject", "runtime.gcBgMarkWorker"},
		"the Go runtime and the kernel":      {"runtime.futex"},
		"S3 server (versitygw)":              {"github.com/valyala/fasthttp.f"},
		"Fairlead: logs (joblog, S3 client)": {"net/http.(*Transport).roundTrip", "github.com/fairlead/fairlead/internal/blob.(*Store).Put"},
	} {
		require.Equal(t, want, owner(stack(functions...)))
	}
}

func TestReportHasEveryCase(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "report.md")
	result := Result{Case: cases()[0], Rounds: []Round{{}}, Shares: []Share{{"Temporal's server", 8, 9.5}}}
	replayed := Interpretation{Case: interpretations()[0], Floor: []float64{10}, Fairlead: []float64{11}, Ratios: []float64{1.1}}
	l := legs(true, 100, 100, 90, 90)
	result.Rounds[0] = Round{Floor: [2]Leg{l[0], l[1]}, Fairlead: [2]Leg{l[2], l[3]}}
	require.NoError(t, writeReport(context.Background(), path, Ground{WarmStart: 2}, []Result{result}, []Interpretation{replayed}))
	page, err := os.ReadFile(path)
	require.NoError(t, err)
	for _, text := range []string{
		"| 1 step, 40 clients | 100.0 runs/s | 90.0 runs/s | **0.90** (0.90 – 0.90) | ≥ 0.85 | kept |",
		"| 100 sequential steps, replayed | 10.0 µs | 11.0 µs | **1.10** (1.10 – 1.10) | ≤ 1.15 | kept |",
		"| Temporal's server | 8.00 | 9.50 |", "| warm start (median of 5) | 2.0 s (limit: 10 s) |",
	} {
		require.Contains(t, string(page), text)
	}
}
