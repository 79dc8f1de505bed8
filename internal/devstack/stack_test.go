package devstack_test

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/fairlead/fairlead/internal/config"
	"github.com/fairlead/fairlead/internal/devstack"
)

// shared are options for a test that needs no empty folder.
func shared(t *testing.T) devstack.Options {
	t.Helper()
	options := options(t)
	options.Dir = warm
	return options
}

// options are those of a stack with a folder of its own.
func options(t *testing.T) devstack.Options {
	t.Helper()
	ports, err := devstack.FreePorts()
	require.NoError(t, err)
	return devstack.Options{Dir: t.TempDir(), Ports: ports, Log: quiet()}
}

func start(t *testing.T, options devstack.Options) *devstack.Stack {
	t.Helper()
	stack, err := devstack.Start(t.Context(), options)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, stack.Stop(t.Context())) })
	return stack
}

func dial(t *testing.T, stack *devstack.Stack) client.Client {
	t.Helper()
	settings := stack.Config().Temporal
	connection, err := client.DialContext(t.Context(), client.Options{
		HostPort: settings["TEMPORAL_ADDRESS"], Namespace: settings["TEMPORAL_NAMESPACE"], Logger: sdklog.NewStructuredLogger(quiet()),
	})
	require.NoError(t, err)
	t.Cleanup(connection.Close)
	return connection
}

func double(_ workflow.Context, n int) (int, error) { return 2 * n, nil }

// submit runs a workflow to its end, with the search attributes that every run has.
func submit(t *testing.T, connection client.Client, id string) {
	t.Helper()
	work := worker.New(connection, "test", worker.Options{})
	work.RegisterWorkflowWithOptions(double, workflow.RegisterOptions{Name: "double"})
	require.NoError(t, work.Start())
	defer work.Stop()
	started, err := connection.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{
		ID: id, TaskQueue: "test",
		TypedSearchAttributes: temporal.NewSearchAttributes(
			temporal.NewSearchAttributeKeyKeyword("FairleadTeam").ValueSet("default"),
			temporal.NewSearchAttributeKeyKeyword("FairleadJob").ValueSet("double"),
			temporal.NewSearchAttributeKeyKeyword("FairleadTrigger").ValueSet("api"),
			temporal.NewSearchAttributeKeyKeyword("FairleadVersion").ValueSet("1"),
		),
	}, "double", 21)
	require.NoError(t, err)
	var answer int
	require.NoError(t, started.Get(t.Context(), &answer))
	require.Equal(t, 42, answer)
}

//nolint:paralleltest // one S3 server in a process, and it moves the working directory
func TestStackGoesOnWhereItWas(t *testing.T) {
	before, err := os.Getwd()
	require.NoError(t, err)
	options := options(t)
	out := new(bytes.Buffer)
	options.Out = out
	stack := start(t, options)
	for _, part := range []string{"Postgres", "Temporal", "S3", "Redis", "Outbox", "Issuer", "Web UI"} {
		require.Contains(t, out.String(), part, "a line for people")
	}
	submit(t, dial(t, stack), "kept")
	exec(t, stack.Config().DatabaseURL, "create table kept as select 1 as n")
	ports, err := os.Stat(filepath.Join(options.Dir, "ports.json"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o644), ports.Mode().Perm(), "anyone's client finds the stack")
	signing := stack.Config().CallbackKey
	require.GreaterOrEqual(t, len(signing), config.MinCallbackKey)
	kept, err := os.Stat(filepath.Join(options.Dir, "callback-key"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), kept.Mode().Perm())
	require.NoError(t, stack.Stop(t.Context()))
	after, err := os.Getwd()
	require.NoError(t, err)
	require.Equal(t, before, after, "the working directory is given back")

	stack = start(t, options)
	require.Equal(t, signing, stack.Config().CallbackKey, "what it signed is good for ever")
	described, err := dial(t, stack).DescribeWorkflowExecution(t.Context(), "kept", "")
	require.NoError(t, err)
	require.Equal(t, enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED, described.GetWorkflowExecutionInfo().GetStatus())
	exec(t, stack.Config().DatabaseURL, "select n from kept", new(int))
	require.Equal(t, []string{"127.0.0.0/8", "::1/128"}, stack.Config().HTTPAllow)
}

//nolint:paralleltest // one S3 server in a process, and it moves the working directory
func TestSecondStartOnAFolderIsRefused(t *testing.T) {
	options := shared(t)
	_, running := devstack.Running(options.Dir)
	require.False(t, running)
	stack := start(t, options)

	_, err := devstack.Start(t.Context(), options)
	require.ErrorIs(t, err, devstack.ErrRunning)
	require.EqualError(t, err, "already running (process "+strconv.Itoa(os.Getpid())+") on "+options.Dir)
	pid, running := devstack.Running(options.Dir)
	require.True(t, running)
	require.Equal(t, os.Getpid(), pid)

	require.NoError(t, stack.Stop(t.Context()))
	_, running = devstack.Running(options.Dir)
	require.False(t, running)
}

//nolint:paralleltest // one S3 server in a process, and it moves the working directory
func TestTakenPortIsNamed(t *testing.T) {
	options := shared(t)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(options.Ports.TemporalUI)))
	require.NoError(t, err)
	defer func() { require.NoError(t, listener.Close()) }()
	require.NoError(t, os.WriteFile(filepath.Join(options.Dir, "ports.json"), []byte(`{"gateway":1}`), 0o600))

	_, err = devstack.Start(t.Context(), options)
	taken := new(devstack.PortTakenError)
	require.ErrorAs(t, err, &taken)
	require.Equal(t, options.Ports.TemporalUI, taken.Port)
	require.Contains(t, taken.Part, "Web UI")
	if runtime.GOOS == "linux" {
		require.Contains(t, taken.Owner, "process "+strconv.Itoa(os.Getpid()))
	}
	_, running := devstack.Running(options.Dir)
	require.False(t, running, "what had started is stopped")
	require.NoFileExists(t, filepath.Join(options.Dir, "ports.json"), "it says where no stack is")
}

//nolint:paralleltest // one S3 server in a process, and it moves the working directory
func TestStackWithPostgresKilled(t *testing.T) {
	options := shared(t)
	stack := start(t, options)
	exec(t, stack.Config().DatabaseURL, "create table killed as select 1 as n")
	require.NoError(t, syscall.Kill(postmaster(t, options.Dir), syscall.SIGKILL))
	require.Eventually(t, func() bool {
		connection, err := pgx.Connect(t.Context(), stack.Config().DatabaseURL)
		return err == nil && connection.Close(t.Context()) == nil
	}, time.Minute, 50*time.Millisecond, "it is started again")
	exec(t, stack.Config().DatabaseURL, "select n from killed", new(int))
	exec(t, stack.Config().DatabaseURL, "drop table killed")
	require.Empty(t, stack.Failed())

	require.NoError(t, syscall.Kill(postmaster(t, options.Dir), syscall.SIGKILL))
	require.NoError(t, stack.Stop(t.Context()), "a stop while it is down is a stop")
}

//nolint:paralleltest // one S3 server in a process, and it moves the working directory
func TestPartsStopAndStartAlone(t *testing.T) {
	stack := start(t, shared(t))
	connection := dial(t, stack)
	for _, name := range []string{"Temporal", "Postgres", "S3", "Redis", "Outbox", "Issuer", "Web UI"} {
		part := stack.Part(name)
		require.NotNil(t, part, name)
		require.NoError(t, part.Stop(t.Context()), name)
		require.NoError(t, part.Stop(t.Context()), "a stopped part stays stopped")
		require.NoError(t, part.Start(t.Context()), name)
		require.NoError(t, part.Start(t.Context()), "a running part stays running")
	}
	require.Nil(t, stack.Part("Kafka"))
	require.Eventually(t, func() bool {
		_, err := connection.CheckHealth(t.Context(), &client.CheckHealthRequest{})
		return err == nil
	}, 20*time.Second, 50*time.Millisecond)
	submit(t, connection, "after")
	select {
	case err := <-stack.Failed():
		require.NoError(t, err, "stopping a part is no failure")
	default:
	}
}

//nolint:paralleltest // one S3 server in a process, and it moves the working directory
func TestStartThatIsToldToStopCleansUp(t *testing.T) {
	options := options(t)
	ctx, cancel := context.WithCancel(t.Context())
	options.Out = cancelOnWrite(cancel)
	_, err := devstack.Start(ctx, options)
	require.ErrorIs(t, err, context.Canceled)
	_, err = os.Stat(filepath.Join(options.Dir, "postgres", "postmaster.pid"))
	require.ErrorIs(t, err, os.ErrNotExist)
	start(t, devstack.Options{Dir: options.Dir, Ports: options.Ports, Log: quiet()})
}

// cancelOnWrite ends a start as soon as its first part is ready.
type cancelOnWrite context.CancelFunc

func (c cancelOnWrite) Write(p []byte) (int, error) {
	c()
	return len(p), nil
}
