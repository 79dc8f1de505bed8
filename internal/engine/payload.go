package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/proto"

	"github.com/fairlead/fairlead/internal/job"
)

// payloadThreshold is the size in bytes from which a payload lives in S3 and
// its claim in the history: with it, no workflow task comes near the server's
// limits, whatever the outputs' sizes.
const payloadThreshold = 16 << 10

const (
	// patience is how long a value waits for S3, and for its turn, before its task fails, which
	// the server tries again: well under the 10 s of a workflow task, which the server gives to
	// another worker then, while the first one would go on waiting.
	patience = 7 * time.Second
	// tryTimeout bounds one try of a small value; a larger one has bytesPerSecond for its size.
	tryTimeout     = 4 * time.Second
	bytesPerSecond = 4 << 20
	retryPause     = 250 * time.Millisecond
)

// The driver's names stand in histories for ever.
const (
	payloadDriver = "fairlead-s3"
	payloadKey    = "key"
	payloadSize   = "size" // in bytes, as it is stored; claims of earlier builds have none
)

// Objects is where large payloads are kept.
type Objects interface {
	// Put stores body under key; a key that is there already is left as it is.
	Put(ctx context.Context, key string, body []byte, contentType string) error
	// Get opens the object under key.
	Get(ctx context.Context, key string) (io.ReadCloser, error)
}

// payloads is the SDK's external storage over S3. The SDK's interface is
// experimental: what we know of it is in this file only.
type payloads struct{ objects Objects }

// externalStorage is the client option that keeps large payloads in objects.
func externalStorage(objects Objects) converter.ExternalStorage {
	return converter.ExternalStorage{
		Drivers:              []converter.StorageDriver{payloads{objects: objects}},
		PayloadSizeThreshold: payloadThreshold,
	}
}

// Name is the instance's name in every claim.
func (payloads) Name() string { return payloadDriver }

// Type is the implementation's name.
func (payloads) Type() string { return payloadDriver }

// Store keeps each payload under the hash of its bytes, beside the workflow's
// other payloads: a repeated store of the same payload is harmless.
func (p payloads) Store(ctx converter.StorageDriverStoreContext, items []*commonpb.Payload) ([]converter.StorageDriverClaim, error) {
	folder, err := payloadFolder(ctx.Target)
	if err != nil {
		return nil, err
	}
	claims := make([]converter.StorageDriverClaim, len(items))
	for i, item := range items {
		body, err := proto.MarshalOptions{Deterministic: true}.Marshal(item)
		if err != nil {
			return nil, fmt.Errorf("encode a payload: %w", err)
		}
		sum := sha256.Sum256(body)
		key := folder + hex.EncodeToString(sum[:])
		claims[i] = converter.StorageDriverClaim{ClaimData: map[string]string{payloadKey: key, payloadSize: strconv.Itoa(len(body))}}
		err = insist(ctx.Context, ctx.GetLimiter(), item, len(body), func(ctx context.Context) error {
			return p.objects.Put(ctx, key, body, "application/x-protobuf")
		})
		if err != nil {
			return nil, fmt.Errorf("store a payload: %w", err)
		}
	}
	return claims, nil
}

// Retrieve reads back what the claims name.
func (p payloads) Retrieve(ctx converter.StorageDriverRetrieveContext, claims []converter.StorageDriverClaim) ([]*commonpb.Payload, error) {
	items := make([]*commonpb.Payload, len(claims))
	for i, claim := range claims {
		err := insist(ctx.Context, ctx.GetLimiter(), claim, sizeOf(claim), func(ctx context.Context) (err error) {
			items[i], err = p.retrieve(ctx, claim.ClaimData[payloadKey])
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("retrieve a payload: %w", err)
		}
	}
	return items, nil
}

func (p payloads) retrieve(ctx context.Context, key string) (item *commonpb.Payload, err error) {
	object, err := p.objects.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, object.Close()) }()
	body, err := io.ReadAll(object)
	if err != nil {
		return nil, err
	}
	item = &commonpb.Payload{}
	return item, proto.Unmarshal(body, item)
}

// sizeOf is how many bytes a claim stands for; as many as a step's output may have, where it doesn't say.
func sizeOf(claim converter.StorageDriverClaim) int {
	size, err := strconv.Atoi(claim.ClaimData[payloadSize])
	if err != nil {
		return job.MaxOutput
	}
	return size
}

// insist waits for its turn, and tries to move a value of that many bytes until it succeeds:
// S3 may be away for a while, and a task that can't have its values fails. It tries once for
// who gives a deadline, as a start does: somebody waits, and a sweep follows.
func insist[T any](ctx context.Context, turns converter.StorageDriverLimiter[T], item T, size int, try func(context.Context) error) error {
	transfer := time.Duration(size) * time.Second / bytesPerSecond
	giveUp := time.Now().Add(patience)
	patient, cancel := context.WithDeadline(ctx, giveUp)
	defer cancel()
	return turns.Permit(patient, item, func() error {
		_, hurried := ctx.Deadline()
		for {
			err := once(ctx, earliest(time.Now().Add(tryTimeout), giveUp).Add(transfer), try)
			if err == nil || hurried || errors.Is(err, fs.ErrNotExist) {
				return err
			}
			pause := time.NewTimer(retryPause)
			select {
			case <-pause.C:
			case <-patient.Done():
				pause.Stop()
				return err
			}
		}
	})
}

func once(ctx context.Context, deadline time.Time, try func(context.Context) error) error {
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	return try(ctx)
}

func earliest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// payloadFolder is where a workflow's payloads lie: its ID names the team.
func payloadFolder(target converter.StorageDriverTargetInfo) (string, error) {
	info, ok := target.(converter.StorageDriverWorkflowInfo)
	if !ok {
		return "", fmt.Errorf("a payload of %T has no place: only workflows keep large payloads", target)
	}
	return "payloads/" + info.WorkflowID + "/", nil
}
