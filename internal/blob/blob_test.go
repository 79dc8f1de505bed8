package blob_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/sync/errgroup"

	"github.com/fairlead/fairlead/internal/blob"
	"github.com/fairlead/fairlead/internal/devstack"
)

// server is the package's S3 server: there can be one in a process.
var server *devstack.S3

func TestMain(m *testing.M) {
	code, err := run(m)
	if err == nil {
		err = goleak.Find(
			// The S3 server's HTTP library has a clock that is never stopped, and worker pools
			// that notice within ten seconds that they were.
			goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
			goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
		)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "blob-test-")
	if err != nil {
		return 1, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	ctx := context.Background()
	if server, err = devstack.StartS3(ctx, dir, 0, slog.New(slog.DiscardHandler)); err != nil {
		return 1, err
	}
	defer func() { _ = server.Stop(ctx) }()
	return m.Run(), nil
}

// setup returns a store over a bucket of the test's own.
func setup(t *testing.T, bucket string) *blob.Store {
	t.Helper()
	access, secret := server.Keys()
	s, err := blob.New(t.Context(), blob.Options{
		Endpoint: server.Endpoint(), Region: server.Region(), Bucket: bucket, AccessKey: access, SecretKey: secret, PathStyle: true,
	})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	require.ErrorIs(t, s.Ping(t.Context()), blob.ErrNotFound)
	require.NoError(t, s.EnsureBucket(t.Context()))
	require.NoError(t, s.EnsureBucket(t.Context()))
	require.NoError(t, s.Ping(t.Context()))
	return s
}

func TestOwnServerNeedsNoAWSAccount(t *testing.T) {
	t.Setenv("AWS_PROFILE", "nosuch")
	t.Setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
	s := setup(t, "own-server")
	require.NoError(t, s.Put(t.Context(), "key", []byte("x"), "text/plain"))
	require.Equal(t, "x", string(get(t, s, "key")))
	_, err := blob.New(t.Context(), blob.Options{Region: "us-east-1", Bucket: "b"})
	require.ErrorContains(t, err, "nosuch", "AWS's own chain says what it lacks")
}

func TestPutGet(t *testing.T) {
	t.Parallel()
	s := setup(t, "put-get")
	ctx := t.Context()
	large := bytes.Repeat([]byte("0123456789abcdef"), 1<<18) // 4 MiB
	for key, body := range map[string][]byte{"empty": {}, "a/b=c/d~2e.gz": []byte("x"), "large": large} {
		require.NoError(t, s.Put(ctx, key, body, "application/octet-stream"))
		require.Equal(t, body, get(t, s, key))
	}
	_, err := s.Get(ctx, "none")
	require.ErrorIs(t, err, blob.ErrNotFound)
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestPutAgainLeavesTheFirst(t *testing.T) {
	t.Parallel()
	s := setup(t, "put-again")
	group, ctx := errgroup.WithContext(t.Context())
	require.NoError(t, s.Put(ctx, "key", []byte("first"), "text/plain"))
	for range 8 {
		group.Go(func() error { return s.Put(ctx, "key", []byte("again"), "text/plain") })
	}
	require.NoError(t, group.Wait())
	require.Equal(t, "first", string(get(t, s, "key")))
}

func TestList(t *testing.T) {
	t.Parallel()
	s := setup(t, "list")
	ctx := t.Context()
	for _, key := range []string{"logs/b", "logs/a/1", "other"} {
		require.NoError(t, s.Put(ctx, key, []byte("12345"), "text/plain"))
	}
	objects, err := s.List(ctx, "logs/")
	require.NoError(t, err)
	require.Len(t, objects, 2)
	require.Equal(t, "logs/a/1", objects[0].Key)
	require.EqualValues(t, 5, objects[0].Size)
	require.False(t, objects[0].Modified.IsZero())
	keys, err := s.Keys(ctx, "")
	require.NoError(t, err)
	require.Equal(t, []string{"logs/a/1", "logs/b", "other"}, keys)
	keys, err = s.Keys(ctx, "none")
	require.NoError(t, err)
	require.Empty(t, keys)
}

func TestAway(t *testing.T) {
	t.Parallel()
	s, err := blob.New(t.Context(), blob.Options{
		Endpoint: "http://127.0.0.1:1", Region: "us-east-1", Bucket: "b", AccessKey: "a", SecretKey: "s", PathStyle: true,
	})
	require.NoError(t, err)
	require.Error(t, s.Ping(t.Context()))
	require.Error(t, s.Put(t.Context(), "key", nil, "text/plain"))
	_, err = s.Get(t.Context(), "key")
	require.Error(t, err)
	require.NotErrorIs(t, err, blob.ErrNotFound)
}

func get(t *testing.T, s *blob.Store, key string) []byte {
	t.Helper()
	body, err := s.Get(t.Context(), key)
	require.NoError(t, err)
	defer func() { require.NoError(t, body.Close()) }()
	raw, err := io.ReadAll(body)
	require.NoError(t, err)
	return raw
}
