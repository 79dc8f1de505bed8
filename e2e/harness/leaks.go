package harness

import (
	"net/http"

	"go.temporal.io/sdk/worker"
	"go.uber.org/goleak"
)

// leaks tells of goroutines that are left once everything has stopped, but for those that
// others leave by design.
func leaks() error {
	worker.PurgeStickyWorkflowCache()         // the workflows that were open when their workers stopped
	http.DefaultClient.CloseIdleConnections() // the tests' own
	var options []goleak.Option
	for _, function := range []string{
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
	} {
		options = append(options, goleak.IgnoreAnyFunction(function))
	}
	return goleak.Find(options...)
}
