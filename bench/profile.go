package main

import (
	"cmp"
	"os"
	"slices"
	"strings"

	"github.com/google/pprof/profile"
)

// Share is a part's share of a profile.
type Share struct {
	Part    string
	Percent float64
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
		{"HTTP, unattributed", "net/http"},
	}
}

// sumUp attributes every sample of a profile to the innermost of the parts on its stack.
func sumUp(path string) ([]Share, error) {
	file, err := os.Open(path) //nolint:gosec // written a moment ago
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	parsed, err := profile.Parse(file)
	if err != nil {
		return nil, err
	}
	sums, total := map[string]int64{}, int64(0)
	for _, sample := range parsed.Sample {
		value := sample.Value[len(sample.Value)-1]
		sums[owner(sample)] += value
		total += value
	}
	var shares []Share
	for part, sum := range sums {
		shares = append(shares, Share{part, 100 * float64(sum) / float64(max(total, 1))})
	}
	slices.SortFunc(shares, func(a, b Share) int { return cmp.Compare(b.Percent, a.Percent) })
	return shares, nil
}

// owner is the part that a sample's time belongs to.
func owner(sample *profile.Sample) string {
	for _, location := range sample.Location {
		for _, line := range location.Line {
			for _, p := range parts() {
				if strings.HasPrefix(line.Function.Name, p.prefix) {
					return p.part
				}
			}
		}
	}
	return "the Go runtime and the kernel"
}
