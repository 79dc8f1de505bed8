package devstack_test

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/devstack"
)

//nolint:paralleltest // the S3 server moves the process's working directory while it runs
func TestS3KeepsObjectsOverARestart(t *testing.T) {
	server, err := devstack.StartS3(t.Context(), t.TempDir(), 0, quiet())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Stop(t.Context())) })
	access, secret := server.Keys()
	client := s3.New(s3.Options{
		BaseEndpoint: aws.String(server.Endpoint()), Region: server.Region(), UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(access, secret, ""),
	})
	put := &s3.PutObjectInput{Bucket: aws.String(server.Bucket()), Key: aws.String("a/b.txt"), IfNoneMatch: aws.String("*")}

	put.Body = strings.NewReader("first")
	_, err = client.PutObject(t.Context(), put)
	require.NoError(t, err)
	put.Body = strings.NewReader("second")
	_, err = client.PutObject(t.Context(), put)
	require.ErrorContains(t, err, "412", "If-None-Match: * keeps the first")

	require.NoError(t, server.Stop(t.Context()))
	require.NoError(t, server.Start(t.Context()))
	object, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: put.Bucket, Key: put.Key})
	require.NoError(t, err)
	body, err := io.ReadAll(object.Body)
	require.NoError(t, err)
	require.Equal(t, "first", string(body))
}

func TestRedisStopsAndStarts(t *testing.T) {
	t.Parallel()
	server, err := devstack.StartRedis(t.Context(), 0, quiet())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Stop(t.Context())) })
	client := redis.NewClient(&redis.Options{Addr: server.Address(), MaxRetries: -1})
	defer func() { require.NoError(t, client.Close()) }()

	require.NoError(t, client.Set(t.Context(), "key", "value", 0).Err())
	require.NoError(t, server.Stop(t.Context()))
	require.Error(t, client.Ping(t.Context()).Err())
	require.NoError(t, server.Start(t.Context()))
	require.Eventually(t, func() bool { return client.Ping(t.Context()).Err() == nil }, 10*time.Second, 20*time.Millisecond,
		"the client dials again in its own time")
}
