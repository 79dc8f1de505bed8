package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"go.uber.org/goleak"
	"google.golang.org/grpc"

	"github.com/fairlead/fairlead/internal/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func setup(t *testing.T, options telemetry.Options) (*telemetry.Telemetry, *bytes.Buffer) {
	t.Helper()
	out := new(bytes.Buffer)
	observed, err := telemetry.New(options, "runner", out)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, observed.Shutdown(context.Background())) })
	return observed, out
}

func TestLogIsJSONFromTheLevelUp(t *testing.T) {
	t.Parallel()
	observed, out := setup(t, telemetry.Options{LogLevel: "warn"})
	observed.Logger().Info("not this")
	observed.Logger().Warn("this", "run", "run_1")
	var record map[string]any
	require.NoError(t, json.Unmarshal(out.Bytes(), &record), out.String())
	require.Subset(t, record, map[string]any{"msg": "this", "level": "WARN", "service": "runner", "run": "run_1"})
}

func TestUnknownLevelIsRefused(t *testing.T) {
	t.Parallel()
	_, err := telemetry.New(telemetry.Options{LogLevel: "loud"}, "runner", new(bytes.Buffer))
	require.ErrorContains(t, err, "loud")
}

func TestMetricsShowTheProcessAndTemporal(t *testing.T) {
	t.Parallel()
	observed, _ := setup(t, telemetry.Options{})
	observed.TemporalMetrics().Counter("temporal_request").Inc(3)
	observed.TemporalMetrics().Timer("temporal_request_latency").Record(30 * time.Millisecond)

	page := httptest.NewRecorder()
	observed.Metrics().ServeHTTP(page, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody))
	require.Equal(t, http.StatusOK, page.Code)
	require.Contains(t, page.Body.String(), "temporal_request_total 3")
	require.Contains(t, page.Body.String(), `temporal_request_latency_seconds_bucket{le="0.05"} 1`)
	require.Contains(t, page.Body.String(), "go_goroutines")
}

// otlp is a collector that counts spans.
type otlp struct {
	collector.UnimplementedTraceServiceServer
	spans chan string
}

func (o otlp) Export(_ context.Context, request *collector.ExportTraceServiceRequest) (*collector.ExportTraceServiceResponse, error) {
	for _, resource := range request.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			for _, span := range scope.GetSpans() {
				o.spans <- span.GetName()
			}
		}
	}
	return &collector.ExportTraceServiceResponse{}, nil
}

func TestTracesReachTheCollector(t *testing.T) {
	t.Parallel()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	received := otlp{spans: make(chan string, 1)}
	server := grpc.NewServer()
	collector.RegisterTraceServiceServer(server, received)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	t.Cleanup(func() { server.Stop(); require.NoError(t, <-ended) })

	observed, err := telemetry.New(telemetry.Options{OTLPEndpoint: listener.Addr().String()}, "runner", new(bytes.Buffer))
	require.NoError(t, err)
	_, span := observed.TracerProvider().Tracer("test").Start(t.Context(), "submit")
	span.End()
	require.NoError(t, observed.Shutdown(t.Context()), "sends what is buffered")
	require.Equal(t, "submit", <-received.spans)
}

// A collector that takes connections and never answers does not hold up the end of a process.
func TestShutdownIsBounded(t *testing.T) {
	t.Parallel()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, listener.Close()) })
	observed, err := telemetry.New(telemetry.Options{OTLPEndpoint: listener.Addr().String()}, "runner", new(bytes.Buffer))
	require.NoError(t, err)
	_, span := observed.TracerProvider().Tracer("test").Start(t.Context(), "submit")
	span.End()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	began := time.Now()
	require.ErrorIs(t, observed.Shutdown(ctx), context.DeadlineExceeded)
	require.Less(t, time.Since(began), 9*time.Second, "the exporter alone would take ten")
}

func TestTracesGoNowhereWithoutAnEndpoint(t *testing.T) {
	t.Parallel()
	observed, _ := setup(t, telemetry.Options{})
	_, span := observed.TracerProvider().Tracer("test").Start(t.Context(), "submit")
	require.False(t, span.IsRecording())
}
