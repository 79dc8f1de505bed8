package devstack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// postgresCluster is what it takes to make or start the server of one data folder.
type postgresCluster struct {
	binaries postgresBinaries
	account  *account
	data     string
	port     int
	logFile  string
}

// init makes the cluster. It is made beside its place and moved there when complete, so that
// an interrupted one is never mistaken for a cluster.
func (c postgresCluster) init(ctx context.Context, password string) error {
	making := c.data + ".new"
	if err := os.RemoveAll(making); err != nil {
		return fmt.Errorf("clear %s: %w", making, err)
	}
	if err := os.Mkdir(making, 0o700); err != nil {
		return fmt.Errorf("make a cluster: %w", err)
	}
	passwords := making + ".password"
	if err := os.WriteFile(passwords, []byte(password+"\n"), 0o600); err != nil {
		return fmt.Errorf("make a cluster: %w", err)
	}
	defer func() { _ = os.Remove(passwords) }()
	if err := errors.Join(c.account.own(making), c.account.own(passwords)); err != nil {
		return err
	}
	command := exec.CommandContext(ctx, c.binaries.path("initdb")) //nolint:gosec // a binary found by name
	closeFiles, err := c.inherit(command, making, passwords)
	if err != nil {
		return err
	}
	defer closeFiles()
	command.Args = append(command.Args, "--pgdata="+inheritedPath(3, making), "--pwfile="+inheritedPath(4, passwords),
		"--username="+postgresUser, "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C")
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) } // its children too
	out, err := command.CombinedOutput()
	if ctx.Err() != nil {
		return fmt.Errorf("initdb: %w", ctx.Err())
	}
	if err != nil {
		return fmt.Errorf("initdb of Postgres %d for %s: %w: %s", c.binaries.major, c.data, err, lastLines(string(out), 5))
	}
	_ = os.Remove(c.data) // an empty folder may be there
	if err := os.Rename(making, c.data); err != nil {
		return fmt.Errorf("make a cluster: %w", err)
	}
	return nil
}

// inherit opens files for a child that runs as the account and in a folder that it can enter.
func (c postgresCluster) inherit(command *exec.Cmd, paths ...string) (closeFiles func(), err error) {
	command.SysProcAttr = childAttr(c.account)
	command.Dir = os.TempDir()
	if !c.account.reaches(filepath.Join(command.Dir, "x")) {
		command.Dir = "/"
	}
	command.Env = append(os.Environ(), "LC_ALL=C", "TZ=UTC") //nolint:forbidigo // handed on to a child whole, nothing is read from it
	for _, path := range paths {
		file, err := os.Open(path) //nolint:gosec // in the stack's folder
		if err != nil {
			closeAll(command.ExtraFiles)
			return nil, fmt.Errorf("cluster folder: %w", err)
		}
		command.ExtraFiles = append(command.ExtraFiles, file)
	}
	return func() { closeAll(command.ExtraFiles) }, nil
}

func closeAll(files []*os.File) {
	for _, file := range files {
		_ = file.Close()
	}
}

// settings are the server's: durable (fsync and synchronous commit stay on), sized for one machine.
func (c postgresCluster) settings() []string {
	var args []string
	for _, setting := range []string{
		"listen_addresses=" + loopback, "port=" + strconv.Itoa(c.port), "unix_socket_directories=",
		"max_connections=200", "shared_buffers=128MB", "jit=off", "huge_pages=off",
		"wal_level=minimal", "max_wal_senders=0", "max_wal_size=1GB", "checkpoint_timeout=15min",
		"random_page_cost=1.1", "log_min_messages=warning", "log_checkpoints=off", "logging_collector=off",
	} {
		args = append(args, "-c", setting)
	}
	return args
}

// postgresServer is a running postgres process.
type postgresServer struct {
	command *exec.Cmd
	logFile string
	done    chan struct{} // closed when the process has ended
	err     error         // how it ended; read after done
	asked   atomic.Bool   // it was asked to stop
}

func (c postgresCluster) start() (*postgresServer, error) {
	out, err := os.OpenFile(c.logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("log of Postgres: %w", err)
	}
	defer func() { _ = out.Close() }()
	command := exec.Command(c.binaries.path("postgres")) //nolint:gosec,noctx // a binary found by name; stop ends it
	closeFiles, err := c.inherit(command, c.data)
	if err != nil {
		return nil, err
	}
	defer closeFiles()
	command.Args = append(append(command.Args, "-D", inheritedPath(3, c.data)), c.settings()...)
	command.Stdout, command.Stderr = out, out
	server := &postgresServer{command: command, logFile: c.logFile, done: make(chan struct{})}
	return server, server.run()
}

// run starts the process from a thread of its own that lives as long as it does: the kernel
// sends the parent-death signal when the starting thread ends (prctl(2), PR_SET_PDEATHSIG).
func (s *postgresServer) run() error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := s.command.Start()
		started <- err
		if err == nil {
			s.err = s.command.Wait()
			close(s.done)
		}
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("start %s: %w", s.command.Path, err)
	}
	return nil
}

func (s *postgresServer) exited() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

// stop asks for a fast shutdown, and forces what does not follow.
func (s *postgresServer) stop(ctx context.Context) error {
	s.asked.Store(true)
	if s.exited() {
		return nil
	}
	ctx, cancel := stopping(ctx, postgresStopTimeout)
	defer cancel()
	_ = s.command.Process.Signal(syscall.SIGINT)
	select {
	case <-s.done:
		return nil
	case <-ctx.Done():
	}
	_ = s.command.Process.Signal(syscall.SIGQUIT) // immediate shutdown: the next start recovers
	select {
	case <-s.done:
	case <-time.After(5 * time.Second):
		_ = s.command.Process.Kill()
		<-s.done
	}
	return fmt.Errorf("Postgres did not stop in time and was forced to; its next start recovers: %w", ctx.Err())
}

// tail returns the last lines of what a file holds beyond its first bytes, "" when it cannot be read.
func tail(path string, beyond int64, lines int) string {
	file, err := os.Open(path) //nolint:gosec // a log of ours
	if err != nil {
		return ""
	}
	defer func() { _ = file.Close() }()
	raw, err := io.ReadAll(io.NewSectionReader(file, beyond, math.MaxInt64-beyond))
	if err != nil {
		return ""
	}
	return lastLines(string(raw), lines)
}

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
