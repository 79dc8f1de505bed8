package joblog

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

const (
	streamPrefix = "fairlead:log:"
	streamField  = "r"
	// streamLength and streamLife bound what a run's stream takes of Redis.
	streamLength = 10_000
	streamLife   = time.Hour
	// liveBytes is the longest line that is copied; longer ones come from S3 only.
	liveBytes = 16 << 10

	liveTimeout = 200 * time.Millisecond
	// liveMargin is how much later than a wait's end its answer may come.
	liveMargin  = time.Second
	liveBackoff = 5 * time.Second
	// liveQueue is how many records wait to be sent; liveBatch how many go at once.
	liveQueue = 2_048
	liveBatch = 128
	// followers is how many readers may wait for records at once.
	followers = 512
)

// ErrNoLive is the error of reading live records while Redis is away, or none is configured.
var ErrNoLive = errors.New("no live log")

// Live copies records to Redis streams. Whatever Redis does, writing a log
// takes no longer: records are dropped while it is slow or away. A nil *Live is none.
type Live struct {
	writes *redis.Client
	reads  *redis.Client
	log    *slog.Logger
	queue  chan liveLine
	stop   chan struct{}
	done   chan struct{}
}

type liveLine struct {
	run  string
	line []byte
}

// NewLive returns the live streams of the Redis at address (host:port), nil for
// "". It doesn't wait for Redis. Close it.
func NewLive(address string, log *slog.Logger) *Live {
	if address == "" {
		return nil
	}
	l := &Live{
		writes: redis.NewClient(liveOptions(address, 4)), reads: redis.NewClient(liveOptions(address, followers)),
		log: log, queue: make(chan liveLine, liveQueue), stop: make(chan struct{}), done: make(chan struct{}),
	}
	go l.send()
	return l
}

func liveOptions(address string, pool int) *redis.Options {
	return &redis.Options{
		Addr: address, ClientName: "fairlead", Protocol: 2, PoolSize: pool,
		MaxRetries: -1, DialerRetries: 1, DialTimeout: liveTimeout, PoolTimeout: liveTimeout,
		ReadTimeout: liveTimeout, WriteTimeout: liveTimeout, ContextTimeoutEnabled: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
}

// Close sends what is waiting, once, and closes the connections.
func (l *Live) Close() error {
	if l == nil {
		return nil
	}
	close(l.stop)
	<-l.done
	return errors.Join(l.writes.Close(), l.reads.Close())
}

// publish hands a record over, or drops it.
func (l *Live) publish(run string, line []byte) {
	if l == nil || len(line) > liveBytes {
		return
	}
	select {
	case l.queue <- liveLine{run, line}:
	default:
	}
}

// send is the one goroutine that writes; after an error it drops what comes for a while.
func (l *Live) send() {
	defer close(l.done)
	var resume time.Time
	for stopped := false; !stopped; {
		var batch []liveLine
		select {
		case line := <-l.queue:
			batch = append(batch, line)
		case <-l.stop:
			stopped = true
		}
		batch = l.more(batch)
		if len(batch) == 0 || time.Now().Before(resume) {
			continue
		}
		if err := l.write(batch); err != nil {
			resume = time.Now().Add(liveBackoff)
			l.log.Warn("the live log is away: records are in S3 only", "error", err)
		}
	}
}

// more adds what is waiting.
func (l *Live) more(batch []liveLine) []liveLine {
	for len(batch) < liveBatch {
		select {
		case line := <-l.queue:
			batch = append(batch, line)
		default:
			return batch
		}
	}
	return batch
}

func (l *Live) write(batch []liveLine) error {
	ctx, cancel := context.WithTimeout(context.Background(), liveTimeout)
	defer cancel()
	runs := map[string]bool{}
	_, err := l.writes.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for _, line := range batch {
			runs[line.run] = true
			pipe.XAdd(ctx, &redis.XAddArgs{
				Stream: streamPrefix + line.run, MaxLen: streamLength, Approx: true, Values: []any{streamField, line.line},
			})
		}
		for run := range runs {
			pipe.Expire(ctx, streamPrefix+run, streamLife)
		}
		return nil
	})
	return err
}

// read returns the records behind `after` ("0": from the first), waiting for
// one as long as wait, and where to go on. [ErrNoLive].
func (l *Live) read(ctx context.Context, run, after string, wait time.Duration) ([]Record, string, error) {
	if l == nil {
		return nil, after, ErrNoLive
	}
	if wait <= 0 {
		wait = -1 // go-redis: don't wait; 0 would be for ever
	}
	// The client itself gives a Redis that answers nothing ten seconds more than it was asked to wait.
	bounded, cancel := context.WithTimeout(ctx, max(wait, 0)+liveMargin)
	defer cancel()
	streams, err := l.reads.XRead(bounded, &redis.XReadArgs{
		Streams: []string{streamPrefix + run, after}, Count: liveBatch, Block: wait,
	}).Result()
	switch {
	case errors.Is(err, redis.Nil):
		return nil, after, nil
	case ctx.Err() != nil:
		return nil, after, ctx.Err()
	case err != nil:
		return nil, after, errors.Join(ErrNoLive, err)
	}
	var records []Record
	for _, stream := range streams {
		for _, message := range stream.Messages {
			after = message.ID
			line, _ := message.Values[streamField].(string)
			if record, err := decodeRecord([]byte(line)); err == nil {
				records = append(records, record)
			}
		}
	}
	return records, after, nil
}
