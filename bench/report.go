package main

import (
	"context"
	"embed"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"text/template"
	"time"

	"github.com/montanaflynn/stats"
	"github.com/prometheus/procfs"
)

//go:embed report.tmpl
var templates embed.FS

// Report is what the template shows.
type Report struct {
	Date     string
	Machine  string
	Versions []Version
	Ground   Ground
	Results  []Result
	Rounds   int
	Replayed []Interpretation
}

// Version is a part's.
type Version struct{ Part, Version string }

// writeReport writes the Markdown file.
func writeReport(ctx context.Context, path string, ground Ground, results []Result, replayed []Interpretation) error {
	report := Report{
		Date: time.Now().UTC().Format(time.DateOnly), Machine: machine(), Versions: versions(ctx), Ground: ground, Results: results, Replayed: replayed,
	}
	if len(results) > 0 {
		report.Rounds = len(results[0].Rounds)
	}
	page, err := template.New("report.tmpl").Funcs(template.FuncMap{"thousand": func(v float64) float64 { return 1000 * v }}).ParseFS(templates, "report.tmpl")
	if err != nil {
		return err
	}
	file, err := os.Create(path) //nolint:gosec // the caller's choice
	if err != nil {
		return err
	}
	if err := page.Execute(file, report); err != nil {
		_ = file.Close()
		return err
	}
	return file.Close()
}

// machine is the processor, the number of its cores, and the memory.
func machine() string {
	text := fmt.Sprintf("%s/%s, %d cores", runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	fs, err := procfs.NewDefaultFS()
	if err != nil {
		return text
	}
	if cpus, err := fs.CPUInfo(); err == nil && len(cpus) > 0 {
		text = fmt.Sprintf("%s, %d cores", strings.TrimSpace(cpus[0].ModelName), runtime.NumCPU())
	}
	if memory, err := fs.Meminfo(); err == nil && memory.MemTotal != nil {
		text += fmt.Sprintf(", %.0f GiB", float64(*memory.MemTotal)/(1<<20))
	}
	return text
}

// versions are those of the parts that the figures depend on.
func versions(ctx context.Context) []Version {
	found := []Version{{"Go", runtime.Version()}}
	if out, err := exec.CommandContext(ctx, "pg_config", "--version").Output(); err == nil {
		found = append(found, Version{"Postgres", strings.TrimSpace(strings.TrimPrefix(string(out), "PostgreSQL"))})
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return found
	}
	for _, module := range info.Deps {
		switch module.Path {
		case "go.temporal.io/server", "go.temporal.io/sdk", "github.com/versity/versitygw", "github.com/jackc/pgx/v5":
			found = append(found, Version{module.Path, module.Version})
		}
	}
	return found
}

// Ratio is Fairlead's figure over the floor's, over all rounds.
func (r Result) Ratio() Spread {
	var ratios []float64
	for _, round := range r.Rounds {
		ratios = append(ratios, round.ratio(r.Case))
	}
	return spread(ratios)
}

// Kept says whether the case's limit is kept; "" where it has none.
func (r Result) Kept() string {
	switch ratio := r.Ratio().Median; {
	case r.Case.Limit == 0:
		return ""
	case r.Case.Throughput && ratio >= r.Case.Limit, !r.Case.Throughput && ratio <= r.Case.Limit:
		return "kept"
	}
	return "not kept"
}

// LimitText is the case's limit in words; "" where it has none.
func (c Case) LimitText() string {
	switch {
	case c.Limit == 0:
		return ""
	case c.Throughput:
		return fmt.Sprintf("≥ %.2f", c.Limit)
	}
	return fmt.Sprintf("≤ %.2f", c.Limit)
}

// Side is one side of a case, over all rounds.
type Side struct {
	Name     string
	Figure   string
	P50, P99 float64 // of a run, in milliseconds
	Usage    Usage   // of a run
	Events   Events  // of a run
}

// Sides are the floor and Fairlead.
func (r Result) Sides() []Side {
	var floor, fairlead []Leg
	for _, round := range r.Rounds {
		floor = append(floor, round.Floor[:]...)
		fairlead = append(fairlead, round.Fairlead[:]...)
	}
	return []Side{newSide("floor", r.Case, floor, r.Floor), newSide("Fairlead", r.Case, fairlead, r.Fairlead)}
}

func newSide(name string, c Case, legs []Leg, kept Events) Side {
	var latencies, figures []float64
	for _, leg := range legs {
		latencies = append(latencies, leg.Latencies...)
		figures = append(figures, c.figure(leg))
	}
	side := Side{Name: name, Usage: perRun(legs...), Events: kept}
	side.P50, _ = stats.Median(latencies)
	side.P99, _ = stats.Percentile(latencies, 99)
	middle := spread(figures).Median
	switch {
	case c.Throughput:
		side.Figure = fmt.Sprintf("%.1f runs/s", middle)
	case c.Parallel || c.Steps == 1:
		side.Figure = fmt.Sprintf("%.0f ms", middle)
	default:
		side.Figure = fmt.Sprintf("%.1f ms a step", middle/float64(c.Steps))
	}
	return side
}
