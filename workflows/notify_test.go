package workflows_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/internal/job"
	"github.com/fairlead/fairlead/workflows"
)

func TestRunDoesNotDependOnItsNotify(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.http = func(context.Context, activities.Step) (any, error) {
		return nil, refuse(job.Failure{Code: "http_status", Message: "no"}, 0)
	}
	b.OnWorkflow(workflows.TypeNotify, mock.Anything, mock.Anything).Return(errors.New("no mail today"))
	last := b.run(chain, `{"n": 1}`)
	require.Equal(t, job.StatusFailed, last.Status)
	require.Equal(t, "http_status", last.Error.Code)
}

func TestNotifySendsEveryDelivery(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var sent []string
	b.OnActivity(activities.PrepareNotifications, mock.Anything, mock.Anything).
		Return(activities.Deliveries{IDs: []string{"bad", "good"}}, nil)
	b.OnActivity(activities.SendNotification, mock.Anything, mock.Anything).
		Return(func(_ context.Context, in activities.Delivery) error {
			if in.ID == "bad" {
				return temporal.NewNonRetryableApplicationError("refused", "MessageRejected", nil)
			}
			sent = append(sent, in.ID)
			return nil
		})
	b.ExecuteWorkflow(workflows.TypeNotify, activities.Ending{Run: activities.Run{ID: "run_1", Team: "default"}})
	require.Error(t, b.GetWorkflowError(), "what could not be sent shows")
	require.Equal(t, []string{"good"}, sent)
}

func TestNotifyTriesAgainWhileTheProviderIsAway(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tries := 0
	b.OnActivity(activities.SendNotification, mock.Anything, mock.Anything).
		Return(func(context.Context, activities.Delivery) error {
			tries++
			if tries < 9 {
				return errors.New("no route to SES")
			}
			return nil
		})
	start := b.Now()
	b.ExecuteWorkflow(workflows.TypeNotify, activities.Ending{Run: activities.Run{ID: "run_1", Team: "default"}})
	require.Equal(t, 9, tries)
	require.NoError(t, b.GetWorkflowError())
	require.Greater(t, b.Now().Sub(start), 4*time.Minute)
}

func TestNotifyBoundsWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var ids []string
	for i := range 350 {
		ids = append(ids, strconv.Itoa(i))
	}
	b.OnActivity(activities.PrepareNotifications, mock.Anything, mock.Anything).Return(activities.Deliveries{IDs: ids}, nil)
	var mu sync.Mutex
	pending, most, sent := 0, 0, 0
	b.SetOnActivityStartedListener(func(info *activity.Info, _ context.Context, _ converter.EncodedValues) {
		if info.ActivityType.Name == activities.SendNotification {
			mu.Lock()
			defer mu.Unlock()
			pending++
			most = max(most, pending)
		}
	})
	b.SetOnActivityCompletedListener(func(info *activity.Info, _ converter.EncodedValue, _ error) {
		if info.ActivityType.Name == activities.SendNotification {
			mu.Lock()
			defer mu.Unlock()
			pending--
			sent++
		}
	})
	b.ExecuteWorkflow(workflows.TypeNotify, activities.Ending{Run: activities.Run{ID: "run_1", Team: "default"}})
	require.NoError(t, b.GetWorkflowError())
	require.Equal(t, len(ids), sent)
	require.LessOrEqual(t, most, 100)
	require.Greater(t, most, 1)
}
