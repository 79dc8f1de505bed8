package survive_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	// patience bounds a wait for something that needs seconds on a busy machine.
	patience = 2 * time.Minute
	// portsNeeded is how many ports in a row a stack takes.
	portsNeeded = 13
	// up is in the line that the stack's greeting ends with.
	up = "Ctrl-C stops it"
)

// process is the dev stack as a user runs it, in a process of its own.
type process struct {
	t     *testing.T
	dir   string // the stack's folder
	first int    // of its ports

	command *exec.Cmd
	said    *output
	ended   chan struct{} // closed when it has ended
}

// output is what a process has said so far.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements [io.Writer].
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// newProcess is a stack that isn't started yet, on a folder.
func newProcess(t *testing.T, dir string) *process {
	t.Helper()
	return &process{t: t, dir: dir, first: freeRow(t)}
}

// rows counts the rows of ports that this process's tests have taken: side by side, two must not take the same.
var rows atomic.Int64

// freeRow is the first of as many free ports in a row as a stack needs. They are above those
// that a stack picks for itself, and below those that outgoing connections are given.
func freeRow(t *testing.T) int {
	t.Helper()
	const lowest, count = 30_000, 210
	for range count {
		first := lowest + (os.Getpid()+int(rows.Add(1)))%count*portsNeeded
		if rowIsFree(first) {
			return first
		}
	}
	t.Fatal("no free ports")
	return 0
}

func rowIsFree(first int) bool {
	for port := first; port < first+portsNeeded; port++ {
		listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
		if err != nil {
			return false
		}
		_ = listener.Close()
	}
	return true
}

// launch starts the process and returns at once.
func (p *process) launch() {
	p.t.Helper()
	binary, err := filepath.Abs("../../bin/fairlead-dev")
	require.NoError(p.t, err)
	require.FileExists(p.t, binary, "build it first: go tool task build")
	p.said, p.ended = new(output), make(chan struct{})
	p.command = exec.Command(binary, "dev", "--dir", p.dir, "--ports-from", strconv.Itoa(p.first))
	p.command.Dir = p.t.TempDir()
	p.command.Env = slices.DeleteFunc(os.Environ(), func(variable string) bool { //nolint:forbidigo // handed on to a child, but for what would change the stack
		return strings.HasPrefix(variable, "FAIRLEAD_") || strings.HasPrefix(variable, "TEMPORAL_")
	})
	p.command.Stdout, p.command.Stderr = p.said, p.said
	p.command.SysProcAttr = endWithParent()
	started := make(chan error)
	go func(command *exec.Cmd, ended chan struct{}) {
		runtime.LockOSThread() // the parent that a child may end with is the thread that started it
		defer runtime.UnlockOSThread()
		err := command.Start()
		started <- err
		if err == nil {
			_ = command.Wait()
			close(ended)
		}
	}(p.command, p.ended)
	require.NoError(p.t, <-started)
	p.t.Cleanup(p.stop)
}

// start starts the process and waits until the stack is up.
func (p *process) start() {
	p.t.Helper()
	p.launch()
	p.says(up)
}

// says waits until the process has said a text.
func (p *process) says(text string) {
	p.t.Helper()
	assert.Eventually(p.t, func() bool { return strings.Contains(p.said.String(), text) || p.over() }, patience, 20*time.Millisecond)
	require.Contains(p.t, p.said.String(), text)
}

func (p *process) over() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// end waits for the process's end, and returns its exit code (-1 when a signal ended it).
func (p *process) end() int {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(patience):
		require.Fail(p.t, "it does not end", p.said.String())
	}
	return p.command.ProcessState.ExitCode()
}

func (p *process) signal(signal os.Signal) {
	p.t.Helper()
	require.NoError(p.t, p.command.Process.Signal(signal))
}

// stop ends the process as Ctrl-C does, and kills it when that takes too long; one that has ended is left alone.
func (p *process) stop() {
	if p.over() {
		return
	}
	_ = p.command.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
		assert.Zero(p.t, p.command.ProcessState.ExitCode(), p.said.String())
	case <-time.After(patience):
		_ = p.command.Process.Kill()
		<-p.ended
		assert.Fail(p.t, "it does not stop", p.said.String())
	}
}

// postgres is the stack's Postgres server.
func (p *process) postgres() int {
	p.t.Helper()
	raw, err := os.ReadFile(filepath.Join(p.dir, "postgres", "postmaster.pid"))
	require.NoError(p.t, err)
	first, _, _ := strings.Cut(string(raw), "\n")
	pid, err := strconv.Atoi(first)
	require.NoError(p.t, err)
	return pid
}

// answer is what the gateway answers.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// accepted is the run that the answer acknowledges.
func (a answer) accepted() (run string, ok bool) {
	var accepted struct{ ID string }
	ok = a.status == http.StatusAccepted && json.Unmarshal(a.body, &accepted) == nil && accepted.ID != ""
	return accepted.ID, ok
}

// try sends a request to the stack's gateway, as its admin.
func (p *process) try(method, path, body string, headers ...string) (answer, error) {
	token, err := os.ReadFile(filepath.Join(p.dir, "token"))
	if err != nil {
		return answer{}, err
	}
	url := "http://127.0.0.1:" + strconv.Itoa(p.first) + path
	request, err := http.NewRequestWithContext(p.t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = response.Body.Close() }()
	raw, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, raw}, err
}

// publish publishes the job chain.
func (p *process) publish(source string) {
	p.t.Helper()
	got, err := p.try(http.MethodPut, "/v1/teams/default/jobs/chain", source, "Content-Type", "application/yaml")
	require.NoError(p.t, err)
	require.Contains(p.t, []int{http.StatusOK, http.StatusCreated}, got.status, "%s", got.body)
}

// submit submits a run with a key, once.
func (p *process) submit(key, input string) (answer, error) {
	return p.try(http.MethodPost, "/v1/teams/default/jobs/chain/runs", `{"input":`+input+`}`,
		"Content-Type", "application/json", "Idempotency-Key", key)
}

// accept submits a run and returns its ID.
func (p *process) accept(key string) string {
	p.t.Helper()
	got, err := p.submit(key, "{}")
	require.NoError(p.t, err)
	run, ok := got.accepted()
	require.True(p.t, ok, "%d %s", got.status, got.body)
	return run
}

// again submits with a key until the answer is an acknowledgement, as a client does that was told to try again.
func (p *process) again(key, input string) (id string) {
	p.t.Helper()
	require.Eventually(p.t, func() bool {
		got, err := p.submit(key, input)
		run, ok := got.accepted()
		id = run
		return err == nil && ok
	}, patience, 200*time.Millisecond)
	return id
}

// succeeds waits until a run has succeeded.
func (p *process) succeeds(run string) {
	p.t.Helper()
	var last string
	assert.Eventually(p.t, func() bool {
		got, err := p.try(http.MethodGet, "/v1/runs/"+run, "")
		var page struct{ Status string }
		if err != nil || got.status != http.StatusOK || json.Unmarshal(got.body, &page) != nil {
			return false
		}
		last = page.Status
		return last == "succeeded" || last == "failed"
	}, patience, 100*time.Millisecond)
	require.Equal(p.t, "succeeded", last, "run %s\n%s", run, p.said)
}

// healthy waits until the gateway is ready.
func (p *process) healthy() {
	p.t.Helper()
	require.Eventually(p.t, func() bool {
		got, err := p.try(http.MethodGet, "/ready", "")
		return err == nil && got.status == http.StatusOK && bytes.Contains(got.body, []byte(`"ready"`))
	}, patience, 100*time.Millisecond, "the stack does not become healthy")
}
