package devstack_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/devstack"
)

func TestAwaitWithoutAStack(t *testing.T) {
	t.Parallel()
	_, up, err := devstack.Await(t.Context(), t.TempDir(), func(int) { t.Error("there is nothing to wait for") })
	require.NoError(t, err)
	require.False(t, up)
}

//nolint:paralleltest // one S3 server in a process, and it moves the working directory
func TestAwaitAStackThatIsStarting(t *testing.T) {
	var ready atomic.Bool
	options := shared(t)
	gateway := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !ready.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	require.NoError(t, gateway.Listener.Close())
	var err error
	gateway.Listener, err = net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: options.Ports.Gateway})
	require.NoError(t, err)
	gateway.Start()
	t.Cleanup(gateway.Close)
	stack := start(t, options)
	waiting := make(chan int, 1)
	await := func(ctx context.Context) (bool, error) {
		serving, up, err := devstack.Await(ctx, options.Dir, func(pid int) { waiting <- pid })
		if up {
			assert.Equal(t, gateway.URL, serving.Gateway(), "the stack says where it is")
		}
		return up, err
	}
	ended := make(chan bool, 1)
	go func() {
		up, err := await(t.Context())
		ended <- up && err == nil
	}()
	require.Equal(t, os.Getpid(), <-waiting)
	ready.Store(true)
	require.True(t, <-ended)
	up, err := await(t.Context())
	require.NoError(t, err)
	require.True(t, up, "one that serves is not waited for")
	require.Empty(t, waiting)

	require.NoError(t, os.Remove(filepath.Join(options.Dir, "token")))
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err = await(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorIs(t, err, os.ErrNotExist, "it says what is missing")
	require.Equal(t, os.Getpid(), <-waiting)

	ready.Store(false)
	go func() {
		up, err := await(t.Context())
		ended <- !up && err == nil
	}()
	<-waiting
	require.NoError(t, stack.Stop(t.Context()))
	require.True(t, <-ended, "a stack that ended meanwhile is no longer waited for")
}
