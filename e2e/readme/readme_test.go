// Package readme runs the commands of README.md and of the examples' one as a stranger would,
// and compares what they print with what is shown.
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
	// gateway is where the dev stack's gateway listens.
	gateway = "127.0.0.1:4000"
)

// update has the README show what its commands print now: go tool task golden:readme
var update = flag.Bool("update", false, "write what the commands print into README.md")

// background are the commands that run until they are told to stop, with what is in the line
// that ends their greeting: the commands after them run beside them.
func background() map[string]string {
	return map[string]string{
		"go tool task dev": "Ctrl-C stops it",
		"go build -o bin/upstreams ./examples/upstreams/serve\nbin/upstreams": "Ctrl-C stops them",
	}
}

// notRun are commands that the test can't run: it is part of the one, and the other
// fetches what is here already.
func notRun() []string { return []string{"go tool task test", "git clone "} }

// block is a command of the README, with the output it shows.
type block struct{ command, output string }

func TestCommandsGiveWhatTheReadmeShows(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	listener, err := net.Listen("tcp", gateway)
	require.NoError(t, err, "the README's commands start the dev stack: stop the one that is up")
	require.NoError(t, listener.Close())
	compared := 0
	for _, name := range []string{"README.md", "examples/README.md"} {
		compared += follow(t, root, filepath.Join(root, name))
	}
	require.Positive(t, compared)
}

// follow runs the commands of a document, and returns how many outputs it has compared.
func follow(t *testing.T, root, document string) int {
	t.Helper()
	readme, err := os.ReadFile(document)
	require.NoError(t, err)
	commands := blocks(string(readme))
	require.NotEmpty(t, commands)
	compared := 0
	for _, one := range commands {
		if slices.ContainsFunc(notRun(), func(prefix string) bool { return strings.HasPrefix(one.command, prefix) }) {
			continue
		}
		if up := background()[one.command]; up != "" {
			start(t, root, one.command, up)
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
		require.NoError(t, os.WriteFile(document, readme, 0o600))
	}
	return compared
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

// start starts a command, waits until it is up, and stops it as Ctrl-C would when the test ends.
func start(t *testing.T, root, command, up string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
	cmd := shell(ctx, root, command)
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
		require.NoError(t, <-ended, "Ctrl-C stops it cleanly: %s", command)
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
	t.Fatalf("%s ended:\n%s", command, said.String())
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
