package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"

	"github.com/fairlead/fairlead/internal/config"
	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/job"
)

// memory keeps objects in a map.
type memory struct {
	mu      sync.Mutex
	objects map[string][]byte
	puts    int
}

func (m *memory) Put(_ context.Context, key string, body []byte, _ string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.puts++
	m.objects[key] = body
	return nil
}

func (m *memory) Get(_ context.Context, key string) (io.ReadCloser, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	body, ok := m.objects[key]
	if !ok {
		return nil, fmt.Errorf("no object %s: %w", key, fs.ErrNotExist)
	}
	return io.NopCloser(bytes.NewReader(body)), nil
}

func driver(t *testing.T, objects engine.Objects) converter.StorageDriver {
	t.Helper()
	cfg, err := config.Load([]string{"TEMPORAL_ADDRESS=127.0.0.1:1"})
	require.NoError(t, err)
	options, err := engine.Options(cfg, slog.New(slog.DiscardHandler), nil, objects)
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:1", options.HostPort)
	require.Less(t, options.ExternalStorage.PayloadSizeThreshold, 64<<10, "a hundred payloads of one task fit a 4 MiB message")
	return options.ExternalStorage.Drivers[0]
}

func TestPayloadsComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	objects := &memory{objects: map[string][]byte{}}
	storage := driver(t, objects)
	target := converter.StorageDriverWorkflowInfo{WorkflowID: "run/default/run_1", WorkflowType: "Run"}
	store := converter.StorageDriverStoreContext{Context: t.Context(), Target: target}
	items := []*commonpb.Payload{
		{Metadata: map[string][]byte{"encoding": []byte("json/plain"), "b": {1}}, Data: []byte(strings.Repeat("ä", 100_000))},
		{Data: []byte{}},
	}
	claims, err := storage.Store(store, items)
	require.NoError(t, err)
	for key := range objects.objects {
		require.True(t, strings.HasPrefix(key, "payloads/run/default/run_1/"), key)
	}
	again, err := storage.Store(store, items)
	require.NoError(t, err)
	require.Equal(t, claims, again, "the same payload has the same claim")

	back, err := storage.Retrieve(converter.StorageDriverRetrieveContext{Context: t.Context()}, claims)
	require.NoError(t, err)
	require.Len(t, back, len(items))
	require.Equal(t, items[0].GetData(), back[0].GetData())
	require.Equal(t, items[0].GetMetadata(), back[0].GetMetadata())
}

func TestPayloadThatIsGoneIsAnError(t *testing.T) {
	t.Parallel()
	storage := driver(t, &memory{objects: map[string][]byte{}})
	_, err := storage.Retrieve(converter.StorageDriverRetrieveContext{Context: t.Context()},
		[]converter.StorageDriverClaim{{ClaimData: map[string]string{"key": "payloads/none"}}})
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestPayloadWithoutWorkflowIsRefused(t *testing.T) {
	t.Parallel()
	storage := driver(t, &memory{objects: map[string][]byte{}})
	_, err := storage.Store(converter.StorageDriverStoreContext{Context: t.Context(), Target: converter.StorageDriverActivityInfo{}},
		[]*commonpb.Payload{{Data: []byte("x")}})
	require.ErrorContains(t, err, "has no place")
}

// absent is a store that is away for its first calls.
type absent struct {
	*memory
	calls int
}

func (a *absent) fail() error {
	if a.calls--; a.calls >= 0 {
		return errors.New("connection refused")
	}
	return nil
}

func (a *absent) Put(ctx context.Context, key string, body []byte, contentType string) error {
	if err := a.fail(); err != nil {
		return err
	}
	return a.memory.Put(ctx, key, body, contentType)
}

func (a *absent) Get(ctx context.Context, key string) (io.ReadCloser, error) {
	if err := a.fail(); err != nil {
		return nil, err
	}
	return a.memory.Get(ctx, key)
}

func TestPayloadsWaitForTheirStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		objects := &absent{memory: &memory{objects: map[string][]byte{}}, calls: 20}
		storage := driver(t, objects)
		target := converter.StorageDriverWorkflowInfo{WorkflowID: "run/default/run_1", WorkflowType: "Run"}
		store := converter.StorageDriverStoreContext{Context: t.Context(), Target: target}
		claims, err := storage.Store(store, []*commonpb.Payload{{Data: []byte("x")}})
		require.NoError(t, err)
		objects.calls = 20
		back, err := storage.Retrieve(converter.StorageDriverRetrieveContext{Context: t.Context()}, claims)
		require.NoError(t, err)
		require.Equal(t, []byte("x"), back[0].GetData())

		objects.calls = 1000
		_, err = storage.Store(store, []*commonpb.Payload{{Data: []byte("y")}})
		require.ErrorContains(t, err, "connection refused", "not for ever: the server tries the task again")

		objects.calls = 2
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		store.Context = ctx
		_, err = storage.Store(store, []*commonpb.Payload{{Data: []byte("z")}})
		require.ErrorContains(t, err, "connection refused")
		require.Equal(t, 1, objects.calls, "a start is tried once: the sweep follows")
	})
}

// slow is a store that takes a time to answer, if its caller waits that long.
type slow struct {
	*memory
	takes time.Duration
}

func (s *slow) wait(ctx context.Context) error {
	select {
	case <-time.After(s.takes):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *slow) Put(ctx context.Context, key string, body []byte, contentType string) error {
	if err := s.wait(ctx); err != nil {
		return err
	}
	return s.memory.Put(ctx, key, body, contentType)
}

func (s *slow) Get(ctx context.Context, key string) (io.ReadCloser, error) {
	if err := s.wait(ctx); err != nil {
		return nil, err
	}
	return s.memory.Get(ctx, key)
}

// full is a limiter whose permits are all taken.
type full[T any] struct{}

func (full[T]) Permit(ctx context.Context, _ T, _ func() error) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestSilentStoreOutlastsNoWorkflowTask(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		objects := &slow{memory: &memory{objects: map[string][]byte{}}}
		storage := driver(t, objects)
		store := converter.StorageDriverStoreContext{Context: t.Context(), Target: converter.StorageDriverWorkflowInfo{WorkflowID: "run/default/run_1"}}
		retrieve := converter.StorageDriverRetrieveContext{Context: t.Context()}
		items := []*commonpb.Payload{{Data: []byte("x")}}
		claims, err := storage.Store(store, items)
		require.NoError(t, err)
		bounded := func(what func() error) {
			t.Helper()
			began := time.Now()
			require.ErrorIs(t, what(), context.DeadlineExceeded)
			require.Less(t, time.Since(began), 8*time.Second)
		}
		put := func() error { _, err := storage.Store(store, items); return err }
		get := func() error { _, err := storage.Retrieve(retrieve, claims); return err }
		objects.takes = time.Hour
		bounded(put)
		bounded(get)
		objects.takes = 0
		store.Limiter, retrieve.Limiter = full[*commonpb.Payload]{}, full[converter.StorageDriverClaim]{}
		bounded(put)
		bounded(get)
	})
}

func TestLargeValueHasTimeForItsSize(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		objects := &slow{memory: &memory{objects: map[string][]byte{}}, takes: 7500 * time.Millisecond}
		storage := driver(t, objects)
		store := converter.StorageDriverStoreContext{Context: t.Context(), Target: converter.StorageDriverWorkflowInfo{WorkflowID: "run/default/run_1"}}
		retrieve := converter.StorageDriverRetrieveContext{Context: t.Context()}
		large := []*commonpb.Payload{{Data: bytes.Repeat([]byte("x"), job.MaxOutput)}}
		claims, err := storage.Store(store, large)
		require.NoError(t, err)
		key := claims[0].ClaimData["key"]
		require.Equal(t, strconv.Itoa(len(objects.objects[key])), claims[0].ClaimData["size"])
		_, err = storage.Retrieve(retrieve, claims)
		require.NoError(t, err)
		_, err = storage.Retrieve(retrieve, []converter.StorageDriverClaim{{ClaimData: map[string]string{"key": key}}})
		require.NoError(t, err, "a claim of an earlier build may stand for as much")
		_, err = storage.Retrieve(retrieve, []converter.StorageDriverClaim{{ClaimData: map[string]string{"key": key, "size": "1000"}}})
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}
