package gateway

import (
	"context"

	"github.com/fairlead/fairlead/gateway/api"
	"github.com/fairlead/fairlead/internal/job"
)

// CancelRun asks a run to end. One that has no workflow yet gets one, which does
// at once what every canceled run does: then it ends as all of them do.
func (s *server) CancelRun(ctx context.Context, request api.CancelRunRequestObject) (api.CancelRunResponseObject, error) {
	run, err := s.Runs.Run(ctx, request.Run)
	if err != nil {
		return nil, err
	}
	if run.Status.Ended() {
		return nil, job.Errorf(job.CodeConflict, "the run has ended: %s", run.Status)
	}
	err = s.Workflows.Cancel(ctx, run)
	if job.CodeOf(err) == job.CodeGone {
		return nil, s.unanswered(ctx, run.ID)
	}
	if err != nil {
		return nil, err
	}
	reason := ""
	if request.Body != nil {
		reason = request.Body.Reason
	}
	if err := s.note(ctx, run, "run.cancel", map[string]string{"reason": reason}); err != nil {
		return nil, err
	}
	return api.CancelRun202JSONResponse(toRun(run)), nil
}
