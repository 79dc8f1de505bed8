// Package blob keeps objects in S3, or in a server that speaks its protocol:
// step logs, and values too large to travel.
package blob

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// The provider's own retries are few and quick: whoever calls has its own.
const (
	attempts    = 3
	maxBackoff  = 250 * time.Millisecond
	dialTimeout = 2 * time.Second
	// answerTimeout is how long S3 may take to begin its answer.
	answerTimeout = 10 * time.Second
	connections   = 64
	// readTimeout bounds the time until an object begins, and that of a page of a list, all
	// attempts together: a server that takes requests and answers none holds no reader for longer.
	readTimeout = 5 * time.Second
)

// ErrNotFound is wrapped by the error for an object that isn't there. It is an [fs.ErrNotExist].
var ErrNotFound = fmt.Errorf("no such object: %w", fs.ErrNotExist)

// Options say where the objects are.
type Options struct {
	// Endpoint is the URL of an S3-compatible server; "" is AWS.
	Endpoint string
	Region   string
	Bucket   string
	// AccessKey and SecretKey are static credentials; "" is the default AWS chain.
	AccessKey string
	SecretKey string
	// PathStyle puts the bucket into the path instead of the host name, as S3-compatible servers want it.
	PathStyle bool
}

// Store is one bucket. It is safe for concurrent use.
type Store struct {
	client      *s3.Client
	connections *http.Transport
	bucket      string
	region      string
}

// Object is one listed object.
type Object struct {
	Key      string
	Size     int64 // bytes
	Modified time.Time
}

// New returns a store over a bucket, without calling S3; see [Store.Ping] and [Store.EnsureBucket].
// [Store.Close] ends it.
func New(ctx context.Context, o Options) (*Store, error) {
	transport := httpClient().GetTransport()
	cfg, err := o.aws(ctx, &http.Client{Transport: transport, CheckRedirect: followNone})
	if err != nil {
		return nil, fmt.Errorf("configure S3: %w", err)
	}
	client := s3.NewFromConfig(cfg, func(options *s3.Options) {
		options.UsePathStyle = o.PathStyle
		if o.Endpoint != "" {
			options.BaseEndpoint = aws.String(o.Endpoint)
		}
	})
	return &Store{client: client, connections: transport, bucket: o.Bucket, region: o.Region}, nil
}

// Close closes the connections that are idle; those to AWS itself close with time.
func (s *Store) Close() { s.connections.CloseIdleConnections() }

// aws are the SDK's settings. A server and keys of one's own have nothing to do with the AWS
// account of whoever runs this: its files and environment are read only for the rest.
func (o Options) aws(ctx context.Context, own aws.HTTPClient) (aws.Config, error) {
	retryer := func() aws.Retryer {
		return retry.NewStandard(func(s *retry.StandardOptions) {
			s.MaxAttempts, s.MaxBackoff = attempts, maxBackoff
		})
	}
	keys := credentials.NewStaticCredentialsProvider(o.AccessKey, o.SecretKey, "")
	if o.Endpoint != "" && o.AccessKey != "" {
		return aws.Config{
			Region: o.Region, HTTPClient: own, Retryer: retryer, Credentials: aws.NewCredentialsCache(keys),
			RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported,
			ResponseChecksumValidation: aws.ResponseChecksumValidationWhenSupported,
		}, nil
	}
	load := []func(*config.LoadOptions) error{
		config.WithRegion(o.Region), config.WithHTTPClient(httpClient()), config.WithRetryer(retryer),
	}
	if o.AccessKey != "" {
		load = append(load, config.WithCredentialsProvider(keys))
	}
	return config.LoadDefaultConfig(ctx, load...)
}

// httpClient is the SDK's own, with our bounds; the SDK adds what AWS's settings say, such as a CA.
func httpClient() *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().
		WithDialerOptions(func(d *net.Dialer) { d.Timeout = dialTimeout }).
		WithTransportOptions(func(t *http.Transport) {
			t.ResponseHeaderTimeout = answerTimeout
			t.MaxIdleConnsPerHost = connections
		})
}

// followNone leaves a redirect to the SDK, which signs its requests for one host.
func followNone(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Put keeps body under key. An object that is there already is left as it is,
// and that is success: a key stands for its content, so a repeated Put is harmless.
func (s *Store) Put(ctx context.Context, key string, body []byte, contentType string) error {
	_, err := s.client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &s.bucket, Key: &key, Body: bytes.NewReader(body),
		ContentType: &contentType, IfNoneMatch: aws.String("*"),
	})
	if status(err) == http.StatusPreconditionFailed {
		return nil
	}
	return wrap("put", key, err)
}

// Get opens the object under key; the caller closes it. [ErrNotFound] when there is none.
func (s *Store) Get(ctx context.Context, key string) (io.ReadCloser, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	late := time.AfterFunc(readTimeout, func() { cancel(context.DeadlineExceeded) })
	object, err := s.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.bucket, Key: &key})
	late.Stop()
	if err != nil {
		cancel(nil)
		return nil, wrap("get", key, err)
	}
	return body{object.Body, func() { cancel(nil) }}, nil
}

// body ends its request when it is closed.
type body struct {
	io.ReadCloser

	end func()
}

// Close implements [io.Closer].
func (b body) Close() error {
	defer b.end()
	return b.ReadCloser.Close()
}

// List returns the objects whose keys begin with prefix, in order of their keys.
func (s *Store) List(ctx context.Context, prefix string) ([]Object, error) {
	var objects []Object
	pages := s3.NewListObjectsV2Paginator(s.client, &s3.ListObjectsV2Input{Bucket: &s.bucket, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := nextPage(ctx, pages)
		if err != nil {
			return nil, wrap("list", prefix, err)
		}
		for _, object := range page.Contents {
			objects = append(objects, Object{
				Key: aws.ToString(object.Key), Size: aws.ToInt64(object.Size), Modified: aws.ToTime(object.LastModified).UTC(),
			})
		}
	}
	return objects, nil
}

func nextPage(ctx context.Context, pages *s3.ListObjectsV2Paginator) (*s3.ListObjectsV2Output, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	return pages.NextPage(ctx)
}

// Keys returns the keys that begin with prefix, in order.
func (s *Store) Keys(ctx context.Context, prefix string) ([]string, error) {
	objects, err := s.List(ctx, prefix)
	keys := make([]string, len(objects))
	for i, object := range objects {
		keys[i] = object.Key
	}
	return keys, err
}

// Ping reports whether the bucket can be reached.
func (s *Store) Ping(ctx context.Context) error {
	_, err := s.client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &s.bucket})
	return wrap("reach bucket", s.bucket, err)
}

// Answers reports whether S3 answers, whatever it says of the bucket.
func (s *Store) Answers(ctx context.Context) error {
	_, err := s.client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &s.bucket})
	if code := status(err); code != 0 && code < http.StatusInternalServerError {
		return nil
	}
	return wrap("reach bucket", s.bucket, err)
}

// EnsureBucket makes the bucket unless it is there.
func (s *Store) EnsureBucket(ctx context.Context) error {
	err := s.Ping(ctx)
	if !errors.Is(err, ErrNotFound) {
		return err
	}
	input := &s3.CreateBucketInput{Bucket: &s.bucket}
	if s.region != "us-east-1" { // S3 refuses its default region by name
		input.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(s.region)}
	}
	_, err = s.client.CreateBucket(ctx, input)
	if owned := new(types.BucketAlreadyOwnedByYou); errors.As(err, &owned) {
		return nil
	}
	return wrap("create bucket", s.bucket, err)
}

// status is the HTTP status that S3 answered an error with, 0 when it didn't answer.
func status(err error) int {
	response := new(awshttp.ResponseError)
	if errors.As(err, &response) {
		return response.HTTPStatusCode()
	}
	return 0
}

func wrap(op, what string, err error) error {
	switch {
	case err == nil:
		return nil
	case status(err) == http.StatusNotFound:
		return fmt.Errorf("%s %s: %w", op, what, ErrNotFound)
	}
	return fmt.Errorf("%s %s: %w", op, what, err)
}
