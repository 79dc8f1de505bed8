// Package readme runs the commands of README.md as a stranger would, and compares what
// they print with what it shows.
package readme_test

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/job"
)

const (
	// patience bounds one command; the first compiles a Temporal server where that hasn't been done.
	patience = 20 * time.Minute
	// devCommand runs until it is told to stop: the commands after it run beside it.
	devCommand = "go tool task dev"
	// gateway is where the dev stack's gateway listens.
	gateway = "127.0.0.1:4000"
	// up is in the line that devCommand ends its greeting with.
	up = "Ctrl-C stops it"
)

// update has the README show what its commands print now: go tool task golden:readme
var update = flag.Bool("update", false, "write what the commands print into README.md")

// notRun are commands that the test can't run: it is part of the one, and the other
// fetches what is here already.
func notRun() []string { return []string{"go tool task test", "git clone "} }

// block is a command of the README, with the output it shows.
type block struct{ command, output string }

func TestCommandsGiveWhatTheReadmeShows(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	require.NoError(t, err)
	commands := blocks(string(readme))
	require.NotEmpty(t, commands)
	listener, err := net.Listen("tcp", gateway)
	require.NoError(t, err, "the README's commands start the dev stack: stop the one that is up")
	require.NoError(t, listener.Close())
	compared := 0
	for _, one := range commands {
		if slices.ContainsFunc(notRun(), func(prefix string) bool { return strings.HasPrefix(one.command, prefix) }) {
			continue
		}
		if one.command == devCommand {
			startDev(t, root)
			continue
		}
		got := strings.TrimRight(runCommand(t, root, one.command), "\n")
		if one.output == "" {
			continue
		}
		compared++
		if *update {
			readme = bytes.Replace(readme, []byte(one.output), []byte(got), 1)
			continue
		}
		require.Equal(t, normal(one.output), normal(got), "the output of %s:\n%s", one.command, got)
	}
	if *update {
		require.NoError(t, os.WriteFile(filepath.Join(root, "README.md"), readme, 0o600))
	}
	require.Positive(t, compared)
}

// blocks are the README's sh blocks, each with the text block that follows it at once.
func blocks(readme string) []block {
	fences := regexp.MustCompile("(?s)```sh\n(.*?)\n```(?:\n\n?```text\n(.*?)\n```)?")
	var found []block
	for _, match := range fences.FindAllStringSubmatch(readme, -1) {
		found = append(found, block{command: match[1], output: match[2]})
	}
	return found
}

func shell(ctx context.Context, root, command string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", command)
	cmd.Dir = root
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = time.Minute
	return cmd
}

func runCommand(t *testing.T, root, command string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := shell(ctx, root, command)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, "%s\n%s\n%s", command, out, stderr.String())
	return string(out)
}

// startDev starts the stack, waits until it is up, and stops it as Ctrl-C would when the test ends.
func startDev(t *testing.T, root string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
	cmd := shell(ctx, root, devCommand)
	reader, writer := io.Pipe()
	cmd.Stdout, cmd.Stderr = writer, writer
	require.NoError(t, cmd.Start())
	ended := make(chan error, 1)
	go func() {
		ended <- cmd.Wait()
		_ = writer.Close()
	}()
	t.Cleanup(func() {
		defer cancel()
		require.NoError(t, syscall.Kill(-cmd.Process.Pid, syscall.SIGINT))
		require.NoError(t, <-ended, "Ctrl-C stops the stack cleanly")
	})
	var said strings.Builder
	lines := bufio.NewScanner(reader)
	for lines.Scan() {
		said.WriteString(lines.Text() + "\n")
		if strings.Contains(lines.Text(), up) {
			go func() { _, _ = io.Copy(io.Discard, reader) }()
			return
		}
	}
	t.Fatalf("%s ended:\n%s", devCommand, said.String())
}

// normal drops what differs from one run to the next: IDs, numbers, how wide columns
// are, and the order in which parallel steps logged.
func normal(output string) []string {
	ids := regexp.MustCompile(`run_[0-9a-z]{26}|sha256:[0-9a-f]+`)
	spans := regexp.MustCompile(`[0-9.]+(ms|s|µs)\b`)
	numbers := regexp.MustCompile(`[0-9]+`)
	spaces := regexp.MustCompile(`[ \t]+`)
	var lines []string
	for line := range strings.Lines(output) {
		line = ids.ReplaceAllString(strings.TrimSpace(line), "ID")
		line = spans.ReplaceAllString(line, "SPAN")
		line = numbers.ReplaceAllString(line, "N")
		if line = spaces.ReplaceAllString(line, " "); line != "" {
			lines = append(lines, line)
		}
	}
	slices.Sort(lines)
	return lines
}

func TestJobFilesInTheDocumentsAreValid(t *testing.T) {
	t.Parallel()
	for _, document := range []string{"../../README.md", "../../docs/job-file.md"} {
		text, err := os.ReadFile(document)
		require.NoError(t, err)
		files := regexp.MustCompile("(?s)```yaml\n(.*?)\n```").FindAllSubmatch(text, -1)
		require.NotEmpty(t, files, document)
		for _, file := range files {
			_, err := job.Load(file[1])
			require.NoError(t, err, document)
		}
	}
}
