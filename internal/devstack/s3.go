package devstack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/versity/versitygw/auth"
	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"
)

const (
	s3Region       = "us-east-1"
	s3AccessKey    = "fairlead"
	s3Bucket       = "fairlead"
	s3StartTimeout = 15 * time.Second
	// s3StopTimeout is a little more than versitygw's own, which lets requests finish.
	s3StopTimeout = 12 * time.Second
	s3Health      = "/health" // answers without a signature; no bucket of ours has this name
)

// S3 is an S3 server over plain files in dir/s3.
//
// There can be one in a process, and while it runs the process's working directory is
// dir/s3 (both are versitygw's doing): make paths absolute before it starts.
type S3 struct {
	dir    string
	port   int
	secret string
	log    *slog.Logger

	mu     sync.Mutex
	cancel context.CancelFunc // nil while it is stopped
	done   chan error
	cwd    string
}

// StartS3 starts the server over dir/s3, with the bucket made; a port of 0 picks a free one.
func StartS3(ctx context.Context, dir string, port int, log *slog.Logger) (*S3, error) {
	s, err := newS3(dir, port, log)
	if err != nil {
		return nil, err
	}
	return s, s.Start(ctx)
}

func newS3(dir string, port int, log *slog.Logger) (*S3, error) {
	dir, err := makeFolder(dir)
	if err != nil {
		return nil, err
	}
	port, err = freePort(port)
	if err != nil {
		return nil, err
	}
	key, err := secret(dir, "s3-secret")
	if err != nil {
		return nil, err
	}
	return &S3{dir: dir, port: port, secret: key, log: log}, nil
}

// Name implements [Part].
func (s *S3) Name() string { return "S3" }

// Endpoint is the server's URL; buckets are in the path, not in the host name.
func (s *S3) Endpoint() string { return "http://" + address(s.port) }

// Region is the region that requests are signed for.
func (s *S3) Region() string { return s3Region }

// Bucket is the bucket that exists from the start.
func (s *S3) Bucket() string { return s3Bucket }

// Keys are the access key and the secret key.
func (s *S3) Keys() (access, secretKey string) { return s3AccessKey, s.secret }

// Start starts a stopped server on the same folder and port; a running one is left alone.
func (s *S3) Start(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cancel != nil {
		return nil
	}
	if err := checkPort("the S3 server", s.port); err != nil {
		return err
	}
	cwd, err := os.Getwd()
	if err != nil {
		return fmt.Errorf("working directory: %w", err)
	}
	files, err := s.files()
	if err != nil {
		return err
	}
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s.cwd, s.cancel, s.done = cwd, cancel, make(chan error, 1)
	go func(done chan<- error) {
		done <- embedgw.RunVersityGW(running, files, &embedgw.Config{
			RootUserAccess: s3AccessKey, RootUserSecret: s.secret, Region: s3Region, Ports: []string{address(s.port)},
			IAMService:     auth.NewIAMServiceSingle(auth.Account{Access: s3AccessKey, Secret: s.secret, Role: auth.RoleAdmin}),
			MaxConnections: 4096, MaxRequests: 4096, MultipartMaxParts: 10_000, KeepAlive: true, Quiet: true,
			HealthPath: s3Health,
		})
	}(s.done)
	if err := errors.Join(s.makeBucket(ctx), ctx.Err()); err != nil {
		return errors.Join(err, s.stop(ctx))
	}
	return nil
}

// files keeps object metadata in extended attributes, or beside the objects where the file system has none.
func (s *S3) files() (*posix.Posix, error) {
	root, beside := filepath.Join(s.dir, "s3"), filepath.Join(s.dir, "sidecar")
	if err := os.MkdirAll(root, 0o700); err != nil {
		return nil, fmt.Errorf("folder of the S3 server: %w", err)
	}
	var attributes meta.MetadataStorer = meta.XattrMeta{}
	var options posix.PosixOpts
	if err := (meta.XattrMeta{}).Test(root); err != nil {
		s.log.Debug("no extended attributes here; object metadata goes to files", "folder", beside, "reason", err)
		if err := os.MkdirAll(beside, 0o700); err != nil {
			return nil, fmt.Errorf("folder of the S3 server: %w", err)
		}
		sidecar, err := meta.NewSideCar(beside)
		if err != nil {
			return nil, fmt.Errorf("folder of the S3 server: %w", err)
		}
		attributes, options.SideCarDir = sidecar, beside
	}
	files, err := posix.New(root, attributes, options)
	if err != nil {
		return nil, fmt.Errorf("folder of the S3 server: %w", err)
	}
	return files, nil
}

func (s *S3) makeBucket(ctx context.Context) error {
	// A ctx that ends does not cut this short: versitygw stops cleanly only once it listens.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s3StartTimeout)
	defer cancel()
	transport := awshttp.NewBuildableClient().GetTransport()
	defer transport.CloseIdleConnections()
	client := s3.New(s3.Options{
		HTTPClient:   &http.Client{Transport: transport},
		BaseEndpoint: aws.String(s.Endpoint()), Region: s3Region, UsePathStyle: true, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(s3AccessKey, s.secret, ""),
	})
	for {
		_, err := client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(s3Bucket)})
		owned, exists := new(types.BucketAlreadyOwnedByYou), new(types.BucketAlreadyExists)
		if err == nil || errors.As(err, &owned) || errors.As(err, &exists) {
			return nil
		}
		select {
		case ended := <-s.done:
			s.done <- ended
			return fmt.Errorf("S3 server on port %d ended while starting: %w", s.port, errors.Join(ended, err))
		case <-ctx.Done():
			return fmt.Errorf("S3 server on port %d does not answer: %w", s.port, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Stop ends the server; requests that are under way finish first.
func (s *S3) Stop(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stop(ctx)
}

func (s *S3) stop(ctx context.Context) error {
	if s.cancel == nil {
		return nil
	}
	s.cancel()
	s.cancel = nil
	defer func() { _ = os.Chdir(s.cwd) }()
	ctx, cancel := stopping(ctx, s3StopTimeout)
	defer cancel()
	select {
	case err := <-s.done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("stop the S3 server: %w", ctx.Err())
	}
}
