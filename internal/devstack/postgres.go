package devstack

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	postgresUser = "fairlead"
	passwordFile = "postgres-password"
	// postgresStartTimeout covers crash recovery over a gigabyte of log.
	postgresStartTimeout = time.Minute
	// postgresStopTimeout is how long a fast shutdown may take before it is forced.
	postgresStopTimeout = 20 * time.Second
)

// Postgres is a private cluster in a folder, run by the machine's own binaries and
// listening on 127.0.0.1 only. Its methods may be called from several goroutines.
type Postgres struct {
	dir      string // the stack's folder; the cluster is in dir/postgres
	port     int
	password string
	used     bool // the folder had a password, and so perhaps a cluster, before
	log      *slog.Logger
	failed   func(error)  // told when the server ends by itself
	say      func(string) // told what takes long

	reviving atomic.Pointer[context.CancelFunc] // ends the attempts to start it again
	logged   atomic.Int64                       // how long the log was when the last start began

	mu      sync.Mutex
	cluster postgresCluster // what Start started
	server  *postgresServer // nil while it is stopped
	trouble time.Time       // since when it has been ending by itself; zero: it hasn't
}

// StartPostgres starts the cluster in dir/postgres, which it makes if it is not there, and
// returns once it takes connections. A port of 0 picks a free one. What a killed process
// left running on the same folder is stopped first. Errors: [*PortTakenError], or one that
// says what to do.
func StartPostgres(ctx context.Context, dir string, port int, log *slog.Logger) (*Postgres, error) {
	p, err := newPostgres(dir, port, log)
	if err != nil {
		return nil, err
	}
	return p, p.Start(ctx)
}

func newPostgres(dir string, port int, log *slog.Logger) (*Postgres, error) {
	dir, err := makeFolder(dir)
	if err != nil {
		return nil, err
	}
	port, err = freePort(port)
	if err != nil {
		return nil, err
	}
	_, missing := os.Stat(filepath.Join(dir, passwordFile))
	password, err := secret(dir, passwordFile)
	if err != nil {
		return nil, err
	}
	return &Postgres{
		dir: dir, port: port, password: password, log: log, used: missing == nil,
		failed: func(error) {}, say: func(what string) { log.Info("Postgres", "doing", what) },
	}, nil
}

// Name implements [Part].
func (p *Postgres) Name() string { return "Postgres" }

// URL is the connection string of one database of the cluster.
func (p *Postgres) URL(database string) string {
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(postgresUser, p.password),
		Host: address(p.port), Path: "/" + database, RawQuery: "sslmode=disable",
	}
	return u.String()
}

// CreateDatabase makes a database; one that is there already is left as it is.
func (p *Postgres) CreateDatabase(ctx context.Context, name string) error {
	return createDatabase(ctx, p.URL("postgres"), name)
}

// Start starts a stopped cluster on the same folder and port; a running one is left alone.
func (p *Postgres) Start(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.server != nil && !p.server.exited() {
		return nil
	}
	p.trouble = time.Time{}
	if err := p.prepare(ctx); err != nil {
		return err
	}
	return p.advise(p.start(ctx))
}

// prepare finds the cluster and what it can be run by; a cluster that is not there is made.
func (p *Postgres) prepare(ctx context.Context) error {
	as, err := unprivileged()
	if err != nil {
		return err
	}
	if err := p.vacate(ctx); err != nil {
		return err
	}
	made, err := clusterVersion(p.data())
	if err != nil {
		return err
	}
	binaries, err := findPostgres(ctx, made, as, p.say)
	if err != nil {
		return err
	}
	p.cluster = postgresCluster{binaries: binaries, account: as, data: p.data(), port: p.port, logFile: p.logFile()}
	if made != 0 {
		return nil
	}
	if p.used {
		p.say("finds no cluster in " + p.data() + ", though this folder was used before: it makes an empty one")
	}
	return p.cluster.init(ctx, p.password)
}

// vacate ends what a killed process left on the folder, and looks whether the port is free.
func (p *Postgres) vacate(ctx context.Context) error {
	if err := stopStale(ctx, p.data(), p.log); err != nil {
		return err
	}
	return checkPort("Postgres", p.port)
}

// start starts the cluster; what it starts is watched.
func (p *Postgres) start(ctx context.Context) error {
	server, err := p.launch(ctx, p.cluster)
	if err != nil {
		return err
	}
	p.server = server
	go p.watch(server) //nolint:gosec // for as long as the server runs, which is longer than ctx
	return nil
}

// launch starts the server and waits until it answers. Orphaned backends of a killed server
// hold its shared memory for a moment: a server that ends at once is tried again.
func (p *Postgres) launch(ctx context.Context, c postgresCluster) (*postgresServer, error) {
	ctx, cancel := context.WithTimeout(ctx, postgresStartTimeout)
	defer cancel()
	if info, err := os.Stat(c.logFile); err == nil {
		p.logged.Store(info.Size())
	}
	for attempt := 0; ; attempt++ {
		server, err := c.start()
		if err != nil {
			return nil, err
		}
		err = p.ready(ctx, server)
		if err == nil {
			return server, nil
		}
		if !errors.Is(err, errPostgresEnded) || attempt == 4 {
			return nil, errors.Join(err, server.stop(ctx))
		}
		if !wait(ctx, time.Second) {
			return nil, errors.Join(err, ctx.Err())
		}
	}
}

var (
	errPostgresEnded  = errors.New("Postgres ended while starting")
	errPostgresSilent = errors.New("Postgres does not answer")
	errPassword       = errors.New("another password")
)

func (p *Postgres) ready(ctx context.Context, server *postgresServer) error {
	for {
		connection, err := connect(ctx, p.URL("postgres"))
		if err == nil {
			return connection.Close(ctx)
		}
		if code := new(pgconn.PgError); errors.As(err, &code) && code.Code == "28P01" {
			return fmt.Errorf("the cluster in %s has %w than %s says: put that file back, or move the cluster away to begin an empty one",
				p.dir, errPassword, filepath.Join(p.dir, passwordFile))
		}
		select {
		case <-server.done:
			return fmt.Errorf("%w (%w)", errPostgresEnded, server.err)
		case <-ctx.Done():
			return fmt.Errorf("%w on port %d: %w", errPostgresSilent, p.port, errors.Join(ctx.Err(), err))
		case <-time.After(25 * time.Millisecond):
		}
	}
}

// advise adds to an error of a start what to do about a cluster that may be the cause.
func (p *Postgres) advise(err error) error {
	if errors.Is(err, errPostgresEnded) || errors.Is(err, errPostgresSilent) {
		return p.damaged(err)
	}
	return err
}

// damaged says what to do about a cluster that does not start, whatever its log says is the cause.
func (p *Postgres) damaged(err error) error {
	return fmt.Errorf("%w. If the cluster in %s is damaged, put back a copy of %s, or move that away to begin an empty one. The end of %s:\n%s",
		err, p.data(), p.dir, p.logFile(), tail(p.logFile(), p.logged.Load(), 5))
}

func (p *Postgres) data() string { return filepath.Join(p.dir, "postgres") }

func (p *Postgres) logFile() string { return filepath.Join(p.dir, "postgres.log") }

// Stop shuts the cluster down: open transactions are rolled back, what was committed is on
// disk. As with every Stop of this package, a ctx that has already ended gives the default time.
func (p *Postgres) Stop(ctx context.Context) error {
	if end := p.reviving.Load(); end != nil {
		(*end)()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.server == nil {
		return nil
	}
	err := p.server.stop(ctx)
	p.server = nil
	return err
}

// clusterVersion is the major version that made the cluster in data, 0 when there is none.
func clusterVersion(data string) (int, error) {
	raw, err := os.ReadFile(filepath.Join(data, "PG_VERSION")) //nolint:gosec // in the stack's folder
	if err == nil {
		major, err := strconv.Atoi(strings.TrimSpace(string(raw)))
		if err != nil || major < 1 {
			return 0, fmt.Errorf("%s is damaged: it should hold the version of Postgres that made the cluster. Put back a copy of the folder, or move it away to begin an empty one",
				filepath.Join(data, "PG_VERSION"))
		}
		return major, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("cluster in %s: %w", data, err)
	}
	if entries, err := os.ReadDir(data); err == nil && len(entries) > 0 {
		return 0, fmt.Errorf("%s holds files but is no Postgres cluster (no PG_VERSION): put it right, or move it away to begin an empty one", data)
	}
	return 0, nil
}

// createDatabase makes a database over a connection to another one on the same server.
func createDatabase(ctx context.Context, admin, name string) error {
	const duplicateDatabase, uniqueViolation = "42P04", "23505" // the second when two create it at once
	connection, err := connect(ctx, admin)
	if err != nil {
		return fmt.Errorf("create database %s: %w", name, err)
	}
	defer func() { _ = connection.Close(ctx) }()
	_, err = connection.Exec(ctx, "create database "+pgx.Identifier{name}.Sanitize())
	if code := new(pgconn.PgError); errors.As(err, &code) && (code.Code == duplicateDatabase || code.Code == uniqueViolation) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("create database %s: %w", name, err)
	}
	return nil
}

// stopping bounds a clean-up that has to happen even when ctx, as it does on Ctrl-C, has ended.
func stopping(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	if ctx.Err() != nil {
		ctx = context.WithoutCancel(ctx)
	}
	return context.WithTimeout(ctx, timeout)
}

// wait pauses for d, and is false when ctx ended first.
func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
