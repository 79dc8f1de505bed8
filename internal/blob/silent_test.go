package blob_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/blob"
)

func at(t *testing.T, endpoint, bucket string) *blob.Store {
	t.Helper()
	access, secret := server.Keys()
	s, err := blob.New(t.Context(), blob.Options{
		Endpoint: endpoint, Region: server.Region(), Bucket: bucket, AccessKey: access, SecretKey: secret, PathStyle: true,
	})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

func TestSilentServerHoldsNoReader(t *testing.T) {
	t.Parallel()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	s := at(t, "http://"+listener.Addr().String(), "b")
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second) // less than the client's own tries take
	defer cancel()
	_, err = s.Get(ctx, "key")
	require.Error(t, err)
	_, err = s.Keys(ctx, "prefix")
	require.Error(t, err)
	require.NoError(t, ctx.Err())
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	require.NoError(t, at(t, server.Endpoint(), "nobodys-bucket").Answers(t.Context()))
	require.Error(t, at(t, "http://127.0.0.1:1", "b").Answers(t.Context()))
}
