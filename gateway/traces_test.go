package gateway_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// A callback's URL is a secret: no span has it, also where it is not quite a callback's.
// The provider is the process's, so this runs beside no other test.
func TestNoSpanHasACallbacksURL(t *testing.T) { //nolint:paralleltest // see above
	spans := tracetest.NewInMemoryExporter()
	before := otel.GetTracerProvider()
	otel.SetTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans)))
	t.Cleanup(func() { otel.SetTracerProvider(before) })
	w := setup(t)
	secret := callbackPath()
	require.Equal(t, http.StatusAccepted, w.do(call(secret, "{}")).Code)
	for _, path := range []string{secret + "/", "/" + secret} {
		require.Equal(t, http.StatusNotFound, w.do(call(path, "{}")).Code)
	}
	require.Empty(t, spans.GetSpans())
	require.Equal(t, http.StatusOK, w.do(request{path: "/v1/runs/" + runID}).Code)
	require.Len(t, spans.GetSpans(), 1, "what else is asked is traced")
}
