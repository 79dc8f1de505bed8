package devstack_test

import (
	"log/slog"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// warm is a folder that tests share which need no empty one: only the first start on it makes a cluster.
var warm string

func TestMain(m *testing.M) {
	var err error
	if warm, err = os.MkdirTemp("", "devstack-"); err != nil {
		panic(err)
	}
	ignored := []string{
		// The S3 server's HTTP library has a clock that is never stopped, and worker pools
		// that notice within ten seconds that they were.
		"github.com/valyala/fasthttp.updateServerDate.func1",
		"github.com/valyala/fasthttp.(*workerPool).Start.func2",
		// A Temporal server in process is made to end with it: it leaves workers of its own
		// and the connections between its services behind.
		"go.temporal.io/sdk/internal.(*baseWorker).runPoller",
		"go.temporal.io/sdk/internal.(*baseWorker).runTaskDispatcher",
		"go.temporal.io/sdk/internal.(*baseWorker).runEagerTaskDispatcher",
		"go.temporal.io/sdk/internal.(*baseWorker).Start.func2",
		"go.temporal.io/sdk/internal.(*sharedNamespaceWorker).run",
		"google.golang.org/grpc.(*addrConn).resetTransportAndUnlock",
		"google.golang.org/grpc/internal/grpcsync.(*CallbackSerializer).run",
	}
	options := make([]goleak.Option, 0, len(ignored))
	for _, function := range ignored {
		options = append(options, goleak.IgnoreAnyFunction(function))
	}
	options = append(options, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(warm)
		os.Exit(code)
	}))
	goleak.VerifyTestMain(m, options...)
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }
