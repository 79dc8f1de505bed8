package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/fairlead/fairlead/gateway/api"
)

// errorLength is how much of a failure a list shows.
const errorLength = 80

func (a *App) runs() *cobra.Command {
	var wanted selection
	cmd := &cobra.Command{
		Use:   "runs",
		Short: "List the team's runs, newest first",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := a.client()
			if err != nil {
				return err
			}
			params, err := wanted.params(time.Now())
			if err != nil {
				return err
			}
			return a.listRuns(cmd.Context(), client, params)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&wanted.job, "job", "", "only runs of this job")
	flags.StringVar(&wanted.parent, "parent", "", "only runs that this run has started")
	flags.StringSliceVar(&wanted.status, "status", nil, "only runs in this status; repeat for any of several")
	flags.StringArrayVar(&wanted.labels, "label", nil, "only runs with this key=value; repeat for all of several")
	flags.StringVar(&wanted.since, "since", "", "only runs created after this time (RFC 3339), or within this duration (2h)")
	flags.StringVarP(&wanted.text, "query", "q", "", "only runs whose ID, job or error contains this text")
	flags.Int32VarP(&wanted.limit, "limit", "n", 20, "the most runs to list, up to 200")
	return cmd
}

// selection is which runs are asked for; a zero field doesn't narrow.
type selection struct {
	job, parent, since, text string
	status, labels           []string
	limit                    int32
}

// params is the selection as the API takes it.
func (s *selection) params(now time.Time) (api.ListRunsParams, error) {
	params := api.ListRunsParams{Job: set(s.job), Parent: set(s.parent), Q: set(s.text), Limit: &s.limit}
	if len(s.labels) > 0 {
		params.Label = &s.labels
	}
	if len(s.status) > 0 {
		wanted := make([]api.RunStatus, len(s.status))
		for i, name := range s.status {
			wanted[i] = api.RunStatus(name)
		}
		params.Status = &wanted
	}
	if s.since != "" {
		from, err := instant(s.since, now)
		if err != nil {
			return api.ListRunsParams{}, err
		}
		params.Since = &from
	}
	return params, nil
}

// set is a pointer to s, nil when s is empty.
func set(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// instant reads a time, or a duration before now.
func instant(s string, now time.Time) (time.Time, error) {
	if span, err := time.ParseDuration(s); err == nil {
		return now.Add(-span), nil
	}
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is neither a time such as 2026-11-20T09:00:00Z nor a duration such as 2h", s)
	}
	return at, nil
}

func (a *App) listRuns(ctx context.Context, client *api.ClientWithResponses, params api.ListRunsParams) error {
	page, err := answer[api.RunList](client.ListRunsWithResponse(ctx, a.team, &params))
	if err != nil {
		return err
	}
	if a.output == outputJSON {
		return a.printJSON(page)
	}
	rows := [][]string{{"RUN", "JOB", "VERSION", "STATUS", "CREATED", "TOOK", "ERROR"}}
	for _, run := range page.Items {
		failure := ""
		if run.Error != nil {
			failure = short(failureLine(run.Error), errorLength)
		}
		rows = append(rows, []string{
			run.Id, run.Job, fmt.Sprint(run.Version), string(run.Status), stamp(run.CreatedAt),
			took(run.StartedAt, run.EndedAt, time.Now()), failure,
		})
	}
	return table(a.Stdout, rows)
}

func (a *App) get() *cobra.Command {
	return &cobra.Command{
		Use:   "get RUN",
		Short: "Show a run: how it stands, its steps, why it failed",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := a.client()
			if err != nil {
				return err
			}
			page, err := a.fetch(cmd.Context(), client, args[0])
			if err != nil {
				return err
			}
			if a.output == outputJSON {
				return a.printJSON(page)
			}
			return page.tell(a.Stdout, a.Name)
		},
	}
}

// failureLine is a failure in one line, the step first.
func failureLine(failure *api.Failure) string {
	var b strings.Builder
	if failure.Step != "" {
		b.WriteString("step " + failure.Step)
		if failure.Item != "" {
			b.WriteString("[" + failure.Item + "]")
		}
		b.WriteString(": ")
	}
	return b.String() + failure.Code + ": " + failure.Message
}
