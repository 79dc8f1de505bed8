// Package telemetry makes the logger, the metrics and the traces of a process. It sets no
// globals: what it makes is handed on.
package telemetry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/opentelemetry"
)

// Options are the settings of a process's telemetry.
type Options struct {
	// LogLevel is debug, info, warn or error; empty means info.
	LogLevel string
	// OTLPEndpoint is host:port of an OpenTelemetry collector (gRPC); empty sends no traces.
	OTLPEndpoint string
}

// Telemetry is what a process is observed through.
type Telemetry struct {
	log      *slog.Logger
	registry *prometheus.Registry
	meters   *sdkmetric.MeterProvider
	tracers  trace.TracerProvider
	shutdown []func(context.Context) error
}

// New makes the telemetry of a service. Logs go to w: as text when w is a terminal, as JSON
// otherwise. Traces go in clear, as to a collector beside us. [Telemetry.Shutdown] ends it.
func New(options Options, service string, w io.Writer) (*Telemetry, error) {
	log, err := logger(options.LogLevel, service, w)
	if err != nil {
		return nil, err
	}
	t := &Telemetry{log: log, registry: prometheus.NewRegistry(), tracers: noop.NewTracerProvider()}
	about := resource.NewSchemaless(attribute.String("service.name", service))
	if err := t.measure(about); err != nil {
		return nil, err
	}
	if options.OTLPEndpoint != "" {
		if err := t.trace(options.OTLPEndpoint, about); err != nil {
			return nil, errors.Join(err, t.Shutdown(context.Background()))
		}
	}
	return t, nil
}

func logger(level, service string, w io.Writer) (*slog.Logger, error) {
	var least slog.Level // info
	if level != "" {
		if err := least.UnmarshalText([]byte(level)); err != nil {
			return nil, fmt.Errorf("log level: %w", err)
		}
	}
	options := &slog.HandlerOptions{Level: least}
	var handler slog.Handler = slog.NewJSONHandler(w, options)
	if terminal(w) {
		handler = slog.NewTextHandler(w, options)
	}
	return slog.New(handler).With("service", service), nil
}

func terminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

func (t *Telemetry) measure(about *resource.Resource) error {
	t.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(t.registry), otelprometheus.WithoutScopeInfo())
	if err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	t.meters = sdkmetric.NewMeterProvider(sdkmetric.WithReader(exporter), sdkmetric.WithResource(about), sdkmetric.WithView(seconds()))
	t.shutdown = append(t.shutdown, t.meters.Shutdown)
	return nil
}

// seconds gives histograms of seconds bounds from a millisecond to ten minutes; OpenTelemetry's own are meant for milliseconds.
func seconds() sdkmetric.View {
	return sdkmetric.NewView(
		sdkmetric.Instrument{Kind: sdkmetric.InstrumentKindHistogram, Unit: "s"},
		sdkmetric.Stream{Aggregation: sdkmetric.AggregationExplicitBucketHistogram{
			Boundaries: []float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 600},
		}},
	)
}

func (t *Telemetry) trace(endpoint string, about *resource.Resource) error {
	exporter, err := otlptracegrpc.New(context.Background(), otlptracegrpc.WithEndpoint(endpoint), otlptracegrpc.WithInsecure())
	if err != nil {
		return fmt.Errorf("traces to %s: %w", endpoint, err)
	}
	tracers := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(about))
	t.tracers = tracers
	// Out of time the provider gives up before it has ended the exporter, which would go on sending.
	t.shutdown = append(t.shutdown, tracers.Shutdown, exporter.Shutdown)
	return nil
}

// Logger is the process's logger.
func (t *Telemetry) Logger() *slog.Logger { return t.log }

// TracerProvider is where tracers are made; its spans go nowhere without an OTLP endpoint.
func (t *Telemetry) TracerProvider() trace.TracerProvider { return t.tracers }

// Metrics serves everything measured in Prometheus's format. It belongs on an internal port.
func (t *Telemetry) Metrics() http.Handler {
	return promhttp.HandlerFor(t.registry, promhttp.HandlerOpts{})
}

// TemporalMetrics measures Temporal's SDK. An instrument that cannot be made is logged, and not measured.
func (t *Telemetry) TemporalMetrics() client.MetricsHandler {
	return opentelemetry.NewMetricsHandler(opentelemetry.MetricsHandlerOptions{
		Meter:                t.meters.Meter("temporal-sdk-go"),
		UseMonotonicCounters: true,
		OnError:              func(err error) { t.log.Warn("metric of Temporal's SDK", "error", err) },
	})
}

// flushTimeout bounds how long a process that ends sends the traces it still has.
const flushTimeout = 5 * time.Second

// Shutdown sends what is still buffered, for at most five seconds or as long as ctx lasts, and
// ends the telemetry. A ctx that has already ended, as on Ctrl-C, gives the five seconds.
func (t *Telemetry) Shutdown(ctx context.Context) error {
	if ctx.Err() != nil {
		ctx = context.WithoutCancel(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, flushTimeout)
	defer cancel()
	var problems []error
	for _, shutdown := range t.shutdown {
		problems = append(problems, shutdown(ctx))
	}
	t.shutdown = nil
	return errors.Join(problems...)
}
