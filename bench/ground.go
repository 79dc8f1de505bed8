package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/procfs"
)

const (
	// up is what the dev stack says when everything serves.
	up = "Fairlead is up."
	// idleAfter is how long a stack that has nothing to do settles before its memory is read.
	idleAfter = 30 * time.Second
	// starts is how many times a warm start is timed.
	starts = 5
	// devCommand is what the cold build builds.
	devCommand = "./cmd/fairlead-dev"
	// startTimeout bounds a start.
	startTimeout = 2 * time.Minute
)

// Ground is what the stack itself takes: times in seconds, memory in MiB; 0 is not measured.
type Ground struct {
	FirstStart, WarmStart float64
	Process, Postgres     float64 // resident memory; Postgres's shared pages are counted once
	ColdBuild             float64
}

// measureGround starts the binary as its users do.
func measureGround(ctx context.Context, options Options, out io.Writer) (ground Ground, err error) {
	if options.Cold {
		if ground.ColdBuild, err = coldBuild(ctx); err != nil {
			return ground, err
		}
		_, _ = fmt.Fprintf(out, "cold build %.0f s\n", ground.ColdBuild)
	}
	if options.Binary == "" {
		return ground, nil
	}
	err = ground.measureStarts(ctx, options.Binary)
	_, _ = fmt.Fprintf(out, "start: first %.1f s, warm %.1f s; idle: %.0f MiB and Postgres %.0f MiB\n",
		ground.FirstStart, ground.WarmStart, ground.Process, ground.Postgres)
	return ground, err
}

// measureStarts starts the binary on an empty folder, and again and again on the same one.
func (g *Ground) measureStarts(ctx context.Context, binary string) error {
	dir, ports, remove, err := place()
	if err != nil {
		return err
	}
	defer remove()
	if g.FirstStart, err = timed(ctx, binary, dir, ports.Gateway, nil); err != nil {
		return err
	}
	var warm []float64
	for range starts {
		took, err := timed(ctx, binary, dir, ports.Gateway, nil)
		if err != nil {
			return err
		}
		warm = append(warm, took)
	}
	g.WarmStart = spread(warm).Median
	_, err = timed(ctx, binary, dir, ports.Gateway, func(pid int) (err error) {
		select {
		case <-time.After(idleAfter):
		case <-ctx.Done():
			return ctx.Err()
		}
		g.Process, g.Postgres, err = memory(pid)
		return err
	})
	return err
}

// timed starts the dev stack and returns the seconds until it is up, after it has stopped again.
func timed(ctx context.Context, binary, dir string, port int, whileUp func(pid int) error) (took float64, err error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	command := exec.CommandContext(ctx, binary, "dev", "--dir", dir, "--ports-from", strconv.Itoa(port)) //nolint:gosec // the caller's binary
	output, err := command.StdoutPipe()
	if err != nil {
		return 0, err
	}
	command.Stderr = os.Stderr
	began := time.Now()
	if err := command.Start(); err != nil {
		return 0, err
	}
	lines := bufio.NewScanner(output)
	for took == 0 && lines.Scan() {
		if strings.Contains(lines.Text(), up) {
			took = time.Since(began).Seconds()
		}
	}
	if took == 0 {
		return 0, errors.Join(fmt.Errorf("%s did not come up", binary), lines.Err(), command.Wait())
	}
	if whileUp != nil {
		err = whileUp(command.Process.Pid)
	}
	_ = command.Process.Signal(syscall.SIGINT)
	_, _ = io.Copy(io.Discard, output)
	return took, errors.Join(err, command.Wait())
}

// memory reads what a process and its children hold, in MiB.
func memory(pid int) (own, children float64, err error) {
	all, err := procfs.AllProcs()
	if err != nil {
		return 0, 0, err
	}
	for _, process := range all {
		stat, err := process.Stat()
		if err != nil || stat.PID != pid && stat.PPID != pid && parent(stat.PPID) != pid {
			continue
		}
		maps, err := process.ProcSMapsRollup()
		if err != nil {
			continue
		}
		if stat.PID == pid {
			own = float64(maps.Rss) / (1 << 20)
		} else {
			children += float64(maps.Pss) / (1 << 20)
		}
	}
	return own, children, nil
}

// parent is a process's parent, 0 when that can't be known.
func parent(pid int) int {
	process, err := procfs.NewProc(pid)
	if err != nil {
		return 0
	}
	stat, err := process.Stat()
	if err != nil {
		return 0
	}
	return stat.PPID
}

// coldBuild times a build of the dev stack whose modules are there and whose build cache is empty.
func coldBuild(ctx context.Context) (took float64, err error) {
	cache, err := os.MkdirTemp("", "fairlead-cache-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(cache)) }()
	command := exec.CommandContext(ctx, "go", "build", "-o", os.DevNull, devCommand) //nolint:gosec // constants
	command.Env = append(os.Environ(), "GOCACHE="+cache)                             //nolint:forbidigo // handed on whole, nothing is read from it
	began := time.Now()
	if out, err := command.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("cold build: %w: %s", err, out)
	}
	return time.Since(began).Seconds(), nil
}
