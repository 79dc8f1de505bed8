package gateway

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"go.opentelemetry.io/contrib/instrumentation/github.com/gin-gonic/gin/otelgin"

	"github.com/fairlead/fairlead/gateway/api"
	"github.com/fairlead/fairlead/gateway/auth"
	"github.com/fairlead/fairlead/gateway/contract"
	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/internal/joblog"
	"github.com/fairlead/fairlead/internal/report"
	"github.com/fairlead/fairlead/internal/store"
	"github.com/fairlead/fairlead/schema"
	"github.com/fairlead/fairlead/workflows"
)

// Jobs keeps definitions; [store.Store] does.
type Jobs interface {
	Publish(ctx context.Context, p store.Publication) (store.Published, error)
	Job(ctx context.Context, team, name string, version int) (store.Job, error)
	Jobs(ctx context.Context, team string, limit int, cursor string) (store.Page[store.Job], error)
	Versions(ctx context.Context, team, name string, limit int, cursor string) (store.Page[store.Job], error)
}

// Runs keeps runs; [store.Store] does.
type Runs interface {
	// Submitted is CodeNotFound when the team hasn't used the key.
	Submitted(ctx context.Context, team, key, requestHash string) (store.Run, error)
	Submit(ctx context.Context, n store.NewRun) (run store.Run, created bool, err error)
	Run(ctx context.Context, id string) (store.Run, error)
	// Settled returns those of the runs that have ended, or wait for a person.
	Settled(ctx context.Context, runs []string) ([]string, error)
	report.Runs
	Runs(ctx context.Context, team string, filter store.Filter, limit int, cursor string) (store.Page[store.Run], error)
	Steps(ctx context.Context, run string) ([]store.Step, error)
	Step(ctx context.Context, run, step string) (store.Step, error)
	// HasStep says whether a step has begun.
	HasStep(ctx context.Context, run, step string) (bool, error)
	Items(ctx context.Context, run, step string, statuses []job.Status, limit int, cursor string) (store.Page[store.Item], error)
	Approvals(ctx context.Context, team string, filter store.ApprovalFilter, limit int, cursor string) (store.Page[store.Approval], error)
	// Approval is CodeNotFound while the step does not ask.
	Approval(ctx context.Context, run, step, item string) (store.Approval, error)
	// Note keeps an entry of the audit trail.
	Note(ctx context.Context, team string, entry store.AuditEntry) error
}

// Variables keeps the values that a team's jobs name; [store.Store] does.
type Variables interface {
	Variables(ctx context.Context, team string, names []string) (map[string]json.RawMessage, error)
	VariableNames(ctx context.Context, team string) ([]string, error)
	ListVariables(ctx context.Context, team string, limit int, cursor string) (store.Page[store.Variable], error)
	Variable(ctx context.Context, team, name string) (store.Variable, error)
	CreateVariable(ctx context.Context, v store.Variable) (store.Variable, error)
	ChangeVariable(ctx context.Context, v store.Variable, revs []int64) (store.Variable, error)
	DeleteVariable(ctx context.Context, team, name, actor string, revs []int64) error
}

// Workflows asks the workflows of runs; [engine.Runs] does. CodeGone: there is none, or it has ended.
type Workflows interface {
	Cancel(ctx context.Context, run store.Run) error
	Decide(ctx context.Context, team, run string, decision workflows.Decision) (store.ApprovalRecord, error)
	Callback(ctx context.Context, team, run string, callback workflows.Callback) error
}

// Starter starts the workflow of a run that has been kept.
type Starter interface {
	Start(ctx context.Context, run store.Run) error
}

// Logs reads the logs of runs; [report.Reports] does.
type Logs interface {
	Page(ctx context.Context, run string, filter joblog.Filter, limit int) (records []joblog.Record, next string, err error)
	Logs(ctx context.Context, run string, filter joblog.Filter, yield func(report.Entry) error) error
	Follow(ctx context.Context, run string, filter joblog.Filter, yield func(report.Entry) error, asks func(job.Status) error) error
}

// Objects holds the outputs that are too large for a row.
type Objects interface {
	// Get opens an object; the error is an [fs.ErrNotExist] when there is none.
	Get(ctx context.Context, key string) (io.ReadCloser, error)
}

// Authenticator says who an Authorization header says is calling; [auth.Verifier] does.
type Authenticator interface {
	Caller(ctx context.Context, authorization string) (auth.Caller, error)
}

// Deps is what the gateway stands on.
type Deps struct {
	Jobs      Jobs
	Runs      Runs
	Variables Variables
	Starter   Starter
	Workflows Workflows
	Logs      Logs
	Objects   Objects
	Auth      Authenticator
	// CallbackKey signs the tokens of callbacks; empty: none is taken.
	CallbackKey []byte
	// Parts are looked at by /ready.
	Parts []Part
	Log   *slog.Logger
	// TrustedProxies are the CIDR ranges whose X-Forwarded-For is believed; none: nobody's.
	TrustedProxies []string
	// Draining, when closed, ends what waits: event streams, and answers that were asked to wait. Nil never does.
	Draining <-chan struct{}
	// BodyTimeout bounds the time that a request's body may take to arrive; 0 means 30 s.
	BodyTimeout time.Duration
	// Extra are handlers by their path (a gin pattern), for every caller who has a valid token.
	Extra map[string]http.Handler
}

// server answers the operations of the REST document.
type server struct {
	Deps
	contract *contract.Contract
	programs *job.Programs
	ready    *readiness
	endings  *endings
	actions  []api.Action
	// reading bounds the definitions that are being read at once: it is the one thing here that takes processor time.
	reading chan struct{}
	// calling bounds the callbacks that are under way at once.
	calling chan struct{}
}

var _ api.StrictServerInterface = (*server)(nil)

// bodyTimeout is [Deps].BodyTimeout where none is given.
const bodyTimeout = 30 * time.Second

// maxReading is how many definitions are read at once.
const maxReading = 4

// New returns the gateway's handler. An error is a defect of the REST document,
// of an action's contract, or of the proxies' ranges.
func New(deps Deps) (http.Handler, error) {
	deps.BodyTimeout = cmp.Or(deps.BodyTimeout, bodyTimeout)
	document, err := contract.Load(schema.OpenAPI())
	if err != nil {
		return nil, err
	}
	for _, operation := range document.Operations() {
		if _, ok := auth.Needed(operation.ID); !ok && !operation.Open {
			return nil, fmt.Errorf("no role is set for the operation %s", operation.ID)
		}
	}
	actions, err := loadActions(schema.Actions())
	if err != nil {
		return nil, err
	}
	s := &server{
		Deps: deps, contract: document, programs: job.NewPrograms(), ready: &readiness{parts: deps.Parts},
		endings: &endings{settled: deps.Runs.Settled},
		actions: actions, reading: make(chan struct{}, maxReading), calling: make(chan struct{}, maxCalling),
	}
	return s.router()
}

// router puts the middleware, the generated routes and the extra ones together.
func (s *server) router() (http.Handler, error) {
	gin.SetMode(gin.ReleaseMode)
	router := gin.New()
	// A name in a path is one segment, whatever is escaped in it.
	router.UseEscapedPath, router.UnescapePathValues = true, true
	router.RedirectTrailingSlash, router.RedirectFixedPath = false, false
	router.HandleMethodNotAllowed = true
	router.ContextWithFallback = true
	if err := router.SetTrustedProxies(s.TrustedProxies); err != nil {
		return nil, fmt.Errorf("trusted proxies: %w", err)
	}
	router.Use(otelgin.Middleware("fairlead-gateway", otelgin.WithFilter(traced)), s.identify, s.access, s.recover, secure)
	router.NoRoute(func(c *gin.Context) {
		s.fail(c, job.Errorf(job.CodeNotFound, "there is nothing at this path; /openapi.json lists what there is"))
	})
	router.NoMethod(func(c *gin.Context) { s.fail(c, methodNotAllowed(c.Writer.Header().Get("Allow"))) })
	strict := api.NewStrictHandlerWithOptions(s, []api.StrictMiddlewareFunc{detach}, api.StrictGinServerOptions{
		RequestErrorHandlerFunc:  s.refuse,
		HandlerErrorFunc:         s.fail,
		ResponseErrorHandlerFunc: s.breakOff,
	})
	api.RegisterHandlersWithOptions(router.Group("", s.guard), strict, api.GinServerOptions{
		ErrorHandler: func(c *gin.Context, err error, _ int) { s.refuse(c, err) },
	})
	for pattern, handler := range s.Extra {
		router.Any(strings.TrimSuffix(pattern, "/"), s.signedIn, gin.WrapH(handler))
	}
	return router, nil
}

// traced is false for callbacks: a span has the request's path, and their URL is a
// secret, also where something is appended to it and it is no route.
func traced(r *http.Request) bool { return !strings.Contains(r.URL.Path, "/v1/callbacks/") }

// detach gives an operation a context of its own: gin uses the request's again
// for the next request, while something that was begun may still look at it.
func detach(next api.StrictHandlerFunc, _ string) api.StrictHandlerFunc {
	return func(c *gin.Context, request any) (any, error) { return next(c.Copy(), request) }
}
