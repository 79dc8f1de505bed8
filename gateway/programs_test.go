package gateway_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// More jobs than opened definitions are kept: each submit is still checked against its own.
func TestSubmitToMoreJobsThanAreKeptOpen(t *testing.T) {
	t.Parallel()
	w := setup(t)
	const jobs = 300
	submit := func(i int) (status int, body string) {
		answer := w.do(request{
			method: http.MethodPost, path: fmt.Sprintf("/v1/teams/default/jobs/job_%d/runs", i), body: fmt.Sprintf(`{"input": {"only_%d": true}}`, i),
			header: map[string]string{"Content-Type": "application/json"},
		})
		return answer.Code, answer.Body.String()
	}
	for i := range jobs {
		source := fmt.Sprintf("apiVersion: fairlead/v1\nname: job_%d\ninput: {type: object, properties: {only_%d: {type: boolean}}}\n", i, i) +
			definition[strings.Index(definition, "steps:"):]
		answer := w.do(request{
			method: http.MethodPut, path: fmt.Sprintf("/v1/teams/default/jobs/job_%d", i), body: strings.Replace(source, "?day=${input.day}", "", 1),
			header: map[string]string{"Content-Type": "application/yaml"},
		})
		require.Equal(t, http.StatusCreated, answer.Code, answer.Body.String())
		status, body := submit(i)
		require.Equal(t, http.StatusAccepted, status, body)
	}
	for _, i := range []int{0, jobs - 1} {
		status, body := submit(i)
		require.Equal(t, http.StatusAccepted, status, body)
	}
}
