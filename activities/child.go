package activities

import "encoding/json"

// Child is what the activity [JobRun] returns to the workflow: a run that is
// kept, and whose workflow is to be started as a child.
type Child struct {
	Run Run `json:"run"`
	// Start is the input of the child's workflow.
	Start json.RawMessage `json:"start"`
	// Wait says that the step ends with the child.
	Wait bool `json:"wait"`
}
