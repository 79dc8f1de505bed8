package main

import (
	"cmp"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/google/pprof/profile"
)

// Share is a part's processor time of one run, in milliseconds, on either side.
type Share struct {
	Part            string
	Floor, Fairlead float64
}

// parts say whose a stack is: the first line, from the innermost call outwards, that names one.
func parts() []struct{ part, prefix string } {
	return []struct{ part, prefix string }{
		{"Fairlead: submit and wait (gateway)", "github.com/fairlead/fairlead/gateway"},
		{"Fairlead: rows (store, record)", "github.com/fairlead/fairlead/internal/store"},
		{"Fairlead: rows (store, record)", "github.com/fairlead/fairlead/activities/record"},
		{"Fairlead: logs (joblog, S3 client)", "github.com/fairlead/fairlead/internal/joblog"},
		{"Fairlead: logs (joblog, S3 client)", "github.com/fairlead/fairlead/internal/blob"},
		{"Fairlead: the call (activities)", "github.com/fairlead/fairlead/activities"},
		{"Fairlead: ordering (workflows, job)", "github.com/fairlead/fairlead/workflows"},
		{"Fairlead: ordering (workflows, job)", "github.com/fairlead/fairlead/internal/job"},
		{"S3 server (versitygw)", "github.com/versity/versitygw"},
		{"S3 server (versitygw)", "github.com/valyala/fasthttp"},
		{"Redis server (miniredis)", "github.com/alicebob/miniredis"},
		{"Fairlead: logs (joblog, S3 client)", "github.com/redis/go-redis"},
		{"Temporal's server", "go.temporal.io/server"},
		{"Temporal's SDK", "go.temporal.io/sdk"},
		{"the bench's clients and target", "main."},
		{"gRPC", "google.golang.org/grpc"},
		{"garbage collection", "runtime.gcBgMarkWorker"},
		{"garbage collection", "runtime.bgsweep"},
	}
}

// Where no part is on a stack.
const (
	between        = "net/http"
	betweenPart    = "HTTP, between the parts"
	everythingElse = "the Go runtime and the kernel"
)

// sumUp gives every sample of a profile of runs to the innermost part on its
// stack, and returns the milliseconds of each part and run.
func sumUp(path string, runs int) (map[string]float64, error) {
	file, err := os.Open(path) //nolint:gosec // written a moment ago
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	parsed, err := profile.Parse(file)
	if err != nil {
		return nil, err
	}
	sums := map[string]float64{}
	for _, sample := range parsed.Sample {
		spent := time.Duration(sample.Value[len(sample.Value)-1]) // nanoseconds of the processor
		sums[owner(sample)] += 1000 * spent.Seconds() / float64(runs)
	}
	return sums, nil
}

// compare puts the sides' parts together, the largest of Fairlead's first.
func compare(floor, fairlead map[string]float64) []Share {
	var all []Share
	for part, spent := range fairlead {
		all = append(all, Share{part, floor[part], spent})
	}
	slices.SortFunc(all, func(a, b Share) int { return cmp.Compare(b.Fairlead, a.Fairlead) })
	return all
}

// owner is the part that a sample's time belongs to.
func owner(sample *profile.Sample) string {
	otherwise := everythingElse
	for _, location := range sample.Location {
		for _, line := range location.Line {
			for _, p := range parts() {
				if strings.HasPrefix(line.Function.Name, p.prefix) {
					return p.part
				}
			}
			if strings.HasPrefix(line.Function.Name, between) {
				otherwise = betweenPart
			}
		}
	}
	return otherwise
}
