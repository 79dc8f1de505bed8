package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fairlead/fairlead/gateway/api"
)

func (a *App) cancel() *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:   "cancel RUN",
		Short: "Tell a run to end: it undoes and cleans up as its job says",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := a.client()
			if err != nil {
				return err
			}
			run, err := answer[api.Run](client.CancelRunWithResponse(cmd.Context(), args[0], api.Cancel{Reason: reason}))
			if err != nil {
				return err
			}
			if a.output == outputJSON {
				return a.printJSON(run)
			}
			a.say("%s is told to end. See it with: %s get %s", clean(run.Id), a.Name, clean(run.Id))
			return nil
		},
	}
	cmd.Flags().StringVarP(&reason, "message", "m", "", "why; kept in the audit trail")
	return cmd
}

func (a *App) approvals() *cobra.Command {
	var run string
	var status []string
	var limit int32
	cmd := &cobra.Command{
		Use:   "approvals",
		Short: "List what the team's runs ask people",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := a.client()
			if err != nil {
				return err
			}
			wanted := make([]api.ApprovalStatus, len(status))
			for i, name := range status {
				wanted[i] = api.ApprovalStatus(name)
			}
			list, err := answer[api.ApprovalList](client.ListApprovalsWithResponse(cmd.Context(), a.team,
				&api.ListApprovalsParams{Run: set(run), Status: &wanted, Limit: &limit}))
			if err != nil {
				return err
			}
			if a.output == outputJSON {
				return a.printJSON(list)
			}
			return a.tellApprovals(list.Items)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&run, "run", "", "only those of this run")
	flags.StringSliceVar(&status, "status", []string{string(api.ApprovalPending)}, "only those in this status; repeat for any of several")
	flags.Int32VarP(&limit, "limit", "n", 50, "the most approvals to list, up to 200")
	return cmd
}

func (a *App) tellApprovals(approvals []api.Approval) error {
	rows := [][]string{{"RUN", "JOB", "STEP", "STATUS", "BY", "UNTIL", "MESSAGE"}}
	for _, approval := range approvals {
		by := "anyone"
		if len(approval.By) > 0 {
			by = strings.Join(approval.By, ", ")
		}
		if approval.DecidedBy != "" {
			by = approval.DecidedBy
		}
		rows = append(rows, []string{
			approval.Run, approval.Job, inStep(approval.Step, approval.Item), string(approval.Status), by,
			stamp(approval.ExpiresAt), short(approval.Message, errorLength),
		})
	}
	return table(a.Stdout, rows)
}

// decide is the command that decides approvals in one way.
func (a *App) decide(use, short string, decision api.Decision) *cobra.Command {
	body := api.Decide{Decision: decision}
	cmd := &cobra.Command{
		Use:   use + " RUN STEP",
		Short: short,
		Args:  cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := a.client()
			if err != nil {
				return err
			}
			approval, err := answer[api.Approval](client.DecideApprovalWithResponse(cmd.Context(), args[0], args[1], body))
			if err != nil {
				return err
			}
			if a.output == outputJSON {
				return a.printJSON(approval)
			}
			a.say("%s", clean(fmt.Sprintf("%s of %s is %s", inStep(approval.Step, approval.Item), approval.Run, approval.Status)))
			return nil
		},
	}
	cmd.Flags().StringVar(&body.Item, "item", "", "the item that is meant, where the step has items")
	cmd.Flags().StringVarP(&body.Comment, "message", "m", "", "why; becomes part of the step's output")
	return cmd
}
