// Command bench measures how far Fairlead is from bare Temporal: a workflow written by hand
// that makes the same HTTP calls, on the same server and with the same worker settings, is
// the floor. Both run in turn, A B B A, and what counts is their ratio.
//
//	go tool task bench
//
// writes bench/report.md; what it means is in docs/performance.md.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var options Options
	flag.IntVar(&options.Rounds, "rounds", 7, "rounds of A B B A for each case")
	flag.StringVar(&options.Cases, "cases", "", "run only the cases whose names have this text")
	flag.StringVar(&options.Report, "report", "", "file for the report in Markdown; none by default")
	flag.StringVar(&options.Profile, "profile", "", "folder for the CPU profile of each case; none by default")
	flag.StringVar(&options.Binary, "binary", "", "fairlead-dev, whose start and memory to measure; none by default")
	flag.BoolVar(&options.Cold, "cold", false, "measure a build with an empty cache too (minutes)")
	flag.Parse()
	if err := Run(ctx, options, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}
