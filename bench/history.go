package main

import (
	"strconv"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	sdkpb "go.temporal.io/api/sdk/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/internal/job"
)

// perTask is how many calls that run at once end for one workflow task.
const perTask = 10

// chronicle writes a history as a server would.
type chronicle struct {
	historypb.History
	now time.Time
	// task is the event of the last workflow task's completion.
	task int64
}

// chronicleOf is the history of a run whose steps all succeed: a timer for its
// timeout, one for its progress, which never fires, the calls, and the record of its end.
func chronicleOf(c Case, workflow string, input any) (*historypb.History, error) {
	h := &chronicle{now: time.Date(2026, time.January, 5, 10, 0, 0, 0, time.UTC)}
	if err := h.begin(workflow, input); err != nil {
		return nil, err
	}
	h.think()
	timeout := h.startTimer(job.DefaultRunTimeout.Std())
	var calls []int64
	for len(calls) < c.Steps && (c.Parallel || len(calls) == 0) {
		calls = append(calls, h.startCall())
	}
	h.startTimer(recordPause)
	for n := 0; n < c.Steps; {
		for range min(perTask, len(calls)-n) {
			if err := h.endCall(calls[n]); err != nil {
				return nil, err
			}
			n++
		}
		h.think()
		if len(calls) < c.Steps {
			calls = append(calls, h.startCall())
		}
	}
	h.stopTimer(timeout)
	return &h.History, h.end()
}

// add gives an event its number and its time.
func (h *chronicle) add(kind enumspb.EventType, event *historypb.HistoryEvent) int64 {
	h.now = h.now.Add(100 * time.Microsecond)
	event.EventId, event.EventType, event.EventTime = int64(len(h.Events)+1), kind, timestamppb.New(h.now)
	h.Events = append(h.Events, event)
	return event.GetEventId()
}

func payloads(value any) (*commonpb.Payloads, error) {
	return converter.GetDefaultDataConverter().ToPayloads(value)
}

func (h *chronicle) begin(workflow string, input any) error {
	args, err := payloads(input)
	h.add(enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED, &historypb.HistoryEvent{
		Attributes: &historypb.HistoryEvent_WorkflowExecutionStartedEventAttributes{
			WorkflowExecutionStartedEventAttributes: &historypb.WorkflowExecutionStartedEventAttributes{
				WorkflowType: &commonpb.WorkflowType{Name: workflow}, TaskQueue: &taskqueuepb.TaskQueue{Name: activities.QueueRuns},
				Input: args, WorkflowTaskTimeout: durationpb.New(10 * time.Second), Attempt: 1, OriginalExecutionRunId: "run", FirstExecutionRunId: "run",
			},
		},
	})
	return err
}

// think is a workflow task.
func (h *chronicle) think() {
	scheduled := h.add(enumspb.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED, &historypb.HistoryEvent{
		Attributes: &historypb.HistoryEvent_WorkflowTaskScheduledEventAttributes{
			WorkflowTaskScheduledEventAttributes: &historypb.WorkflowTaskScheduledEventAttributes{Attempt: 1},
		},
	})
	started := h.add(enumspb.EVENT_TYPE_WORKFLOW_TASK_STARTED, &historypb.HistoryEvent{
		Attributes: &historypb.HistoryEvent_WorkflowTaskStartedEventAttributes{
			WorkflowTaskStartedEventAttributes: &historypb.WorkflowTaskStartedEventAttributes{ScheduledEventId: scheduled},
		},
	})
	metadata := &sdkpb.WorkflowTaskCompletedMetadata{}
	if h.task == 0 {
		metadata.LangUsedFlags = []uint32{3, 4} // what the SDK's newest version writes
	}
	h.task = h.add(enumspb.EVENT_TYPE_WORKFLOW_TASK_COMPLETED, &historypb.HistoryEvent{
		Attributes: &historypb.HistoryEvent_WorkflowTaskCompletedEventAttributes{
			WorkflowTaskCompletedEventAttributes: &historypb.WorkflowTaskCompletedEventAttributes{
				ScheduledEventId: scheduled, StartedEventId: started, SdkMetadata: metadata,
			},
		},
	})
}

// next is the name of what is started by the next event: its number.
func (h *chronicle) next() string { return strconv.Itoa(len(h.Events) + 1) }

func (h *chronicle) startTimer(d time.Duration) int64 {
	return h.add(enumspb.EVENT_TYPE_TIMER_STARTED, &historypb.HistoryEvent{
		Attributes: &historypb.HistoryEvent_TimerStartedEventAttributes{
			TimerStartedEventAttributes: &historypb.TimerStartedEventAttributes{
				TimerId: h.next(), StartToFireTimeout: durationpb.New(d), WorkflowTaskCompletedEventId: h.task,
			},
		},
	})
}

func (h *chronicle) stopTimer(timer int64) {
	h.add(enumspb.EVENT_TYPE_TIMER_CANCELED, &historypb.HistoryEvent{
		Attributes: &historypb.HistoryEvent_TimerCanceledEventAttributes{
			TimerCanceledEventAttributes: &historypb.TimerCanceledEventAttributes{
				TimerId: strconv.FormatInt(timer, 10), StartedEventId: timer, WorkflowTaskCompletedEventId: h.task,
			},
		},
	})
}

func (h *chronicle) startCall() int64 {
	return h.add(enumspb.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED, &historypb.HistoryEvent{
		Attributes: &historypb.HistoryEvent_ActivityTaskScheduledEventAttributes{
			ActivityTaskScheduledEventAttributes: &historypb.ActivityTaskScheduledEventAttributes{
				ActivityId: h.next(), ActivityType: &commonpb.ActivityType{Name: activities.HTTP},
				TaskQueue: &taskqueuepb.TaskQueue{Name: activities.QueueRuns}, WorkflowTaskCompletedEventId: h.task,
			},
		},
	})
}

func (h *chronicle) endCall(scheduled int64) error {
	started := h.add(enumspb.EVENT_TYPE_ACTIVITY_TASK_STARTED, &historypb.HistoryEvent{
		Attributes: &historypb.HistoryEvent_ActivityTaskStartedEventAttributes{
			ActivityTaskStartedEventAttributes: &historypb.ActivityTaskStartedEventAttributes{ScheduledEventId: scheduled, Attempt: 1},
		},
	})
	result, err := payloads(answer())
	h.add(enumspb.EVENT_TYPE_ACTIVITY_TASK_COMPLETED, &historypb.HistoryEvent{
		Attributes: &historypb.HistoryEvent_ActivityTaskCompletedEventAttributes{
			ActivityTaskCompletedEventAttributes: &historypb.ActivityTaskCompletedEventAttributes{
				ScheduledEventId: scheduled, StartedEventId: started, Result: result,
			},
		},
	})
	return err
}

// end is the record of the run's end, a local activity, and the end.
func (h *chronicle) end() error {
	marker, err := payloads(map[string]any{
		"ActivityID": "1", "ActivityType": activities.Record, "ReplayTime": h.now, "Attempt": 1, "Backoff": 0,
	})
	if err != nil {
		return err
	}
	recorded, err := payloads(activities.Recorded{Status: job.StatusSucceeded})
	h.add(enumspb.EVENT_TYPE_MARKER_RECORDED, &historypb.HistoryEvent{
		Attributes: &historypb.HistoryEvent_MarkerRecordedEventAttributes{
			MarkerRecordedEventAttributes: &historypb.MarkerRecordedEventAttributes{
				MarkerName: "LocalActivity", Details: map[string]*commonpb.Payloads{"data": marker, "result": recorded},
				WorkflowTaskCompletedEventId: h.task,
			},
		},
	})
	h.add(enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED, &historypb.HistoryEvent{
		Attributes: &historypb.HistoryEvent_WorkflowExecutionCompletedEventAttributes{
			WorkflowExecutionCompletedEventAttributes: &historypb.WorkflowExecutionCompletedEventAttributes{WorkflowTaskCompletedEventId: h.task},
		},
	})
	return err
}
