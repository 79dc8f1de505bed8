package fail_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/activities/fail"
	"github.com/fairlead/fairlead/internal/job"
)

func do(t *testing.T, with string) *activities.Failed {
	t.Helper()
	output, err := fail.Action{}.Do(t.Context(), activities.Call{With: json.RawMessage(with)})
	require.Nil(t, output)
	var failed *activities.Failed
	require.ErrorAs(t, err, &failed)
	return failed
}

func TestFailsInTheJobsWords(t *testing.T) {
	t.Parallel()
	failed := do(t, `{"code": "too_few_rows", "message": "only 3 rows"}`)
	require.Equal(t, job.Failure{Code: "too_few_rows", Message: "only 3 rows"}, failed.Failure)
}

// A code that the workflow acts upon would have it do the step again, for ever.
func TestCodesOfFairleadsOwnAreRefused(t *testing.T) {
	t.Parallel()
	for _, code := range []string{activities.CodeInterrupted, activities.CodeNotYet} {
		failed := do(t, `{"code": "`+code+`", "message": "x"}`)
		require.Equal(t, "invalid_with", failed.Code)
		require.Contains(t, failed.Message, code)
		require.False(t, failed.Retryable)
	}
}
