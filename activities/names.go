// Package activities is the contract between workflows and the code that does
// things: the names, inputs and results of every activity. The implementations
// are the packages below it; workflows import this package only.
package activities

// The names of the activities. They stand in histories for ever: never change
// one, never use one again for something else. The activity of an action has
// the action's own name, as a step `uses` it (see [ActionNames]).
const (
	// Record writes what a run has come to into its row: [RunRecord] → [Recorded].
	Record = "Record"
	// PrepareNotifications resolves who is told of an ended run and keeps one
	// delivery for each: [Ending] → [Deliveries].
	PrepareNotifications = "PrepareNotifications"
	// SendNotification sends one kept delivery: [Delivery] → nothing.
	SendNotification = "SendNotification"
	// StartQueued starts the workflow of every acknowledged run that has none yet: nothing → [Swept].
	StartQueued = "StartQueued"
	// FindLost finds the open rows whose workflow was stopped from outside, and
	// changes nothing: nothing → [Lost].
	FindLost = "FindLost"
	// DrainLogs moves spooled logs to S3: nothing → [Swept].
	DrainLogs = "DrainLogs"
)

// The names of the actions.
const (
	// Fail ends its step failed, on purpose.
	Fail = "fail"
	// HTTP makes one HTTP request.
	HTTP = "http"
	// JobRun keeps a run of another job, which the workflow then starts as its
	// child: its output is a [Child].
	JobRun = "job.run"
)

// ActionNames lists the action of every schema/actions/*.json.
func ActionNames() []string { return []string{Fail, HTTP, JobRun} }

// TaskQueues of the roles.
const (
	// QueueRuns carries Run and the actions; role runner.
	QueueRuns = "runs"
	// QueueUpkeep carries Upkeep and its sweeps; role orchestrator.
	QueueUpkeep = "upkeep"
	// QueueNotifications carries Notify and deliveries; role notifier.
	QueueNotifications = "notifications"
)
