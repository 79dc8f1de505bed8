package auth

// Role is what a caller may do in a team; each may do all that the ones before it may.
type Role int

// The roles. None is that of who isn't in the team.
const (
	None     Role = iota
	Viewer        // reads
	Approver      // decides approvals
	Operator      // submits and cancels runs
	Editor        // publishes jobs, sets variables
	Admin         // everything
)

// ParseRole returns the role of a claim's name, None for a name that is no role's.
func ParseRole(name string) Role {
	for role := Viewer; role <= Admin; role++ {
		if role.String() == name {
			return role
		}
	}
	return None
}

// String is the role's name in claims.
func (r Role) String() string {
	switch r {
	case Viewer:
		return "viewer"
	case Approver:
		return "approver"
	case Operator:
		return "operator"
	case Editor:
		return "editor"
	case Admin:
		return "admin"
	case None:
	}
	return "none"
}

// Needed is the least role that an operation needs in the team it is about,
// None for one that is about no team. ok is false for an operation that isn't
// here: nobody may call it.
func Needed(operation string) (role Role, ok bool) {
	switch operation {
	case "getMe", "listActions":
		return None, true
	case "listJobs", "getJob", "listJobVersions", "validateDefinitions",
		"listRuns", "getRun", "listSteps", "getStep", "listItems", "getRunInput", "getRunOutput", "getRunLogs",
		"listApprovals", "listVariables", "getVariable":
		return Viewer, true
	case "decideApproval":
		return Approver, true
	case "submitRun", "cancelRun":
		return Operator, true
	case "publishJob", "putVariable", "deleteVariable":
		return Editor, true
	}
	return None, false
}
