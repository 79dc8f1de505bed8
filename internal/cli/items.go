package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/fairlead/fairlead/gateway/api"
)

// itemsPerPage is how many items are asked for at once.
const itemsPerPage int32 = 200

func (a *App) items() *cobra.Command {
	var status []string
	cmd := &cobra.Command{
		Use:   "items RUN STEP",
		Short: "List the items of a step that has a foreach",
		Args:  cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := a.client()
			if err != nil {
				return err
			}
			items, err := readItems(cmd.Context(), client, args[0], args[1], status)
			if err != nil {
				return err
			}
			if a.output == outputJSON {
				return a.printJSON(api.ItemList{Items: items})
			}
			rows := [][]string{{"ITEM", "STATUS", "ATTEMPTS", "TOOK", "ERROR"}}
			for _, item := range items {
				stands, failure := string(item.Status), ""
				if item.Reason != "" {
					stands += " (" + item.Reason + ")"
				}
				if item.Error != nil {
					failure = short(item.Error.Code+": "+item.Error.Message, errorLength)
				}
				rows = append(rows, []string{item.Key, stands, fmt.Sprint(item.Attempts), took(item.StartedAt, item.EndedAt, time.Now()), failure})
			}
			return table(a.Stdout, rows)
		},
	}
	cmd.Flags().StringSliceVar(&status, "status", nil, "only items in this status; repeat for any of several")
	return cmd
}

// readItems reads every page.
func readItems(ctx context.Context, client *api.ClientWithResponses, run, step string, status []string) ([]api.Item, error) {
	limit := itemsPerPage
	params := api.ListItemsParams{Limit: &limit}
	if len(status) > 0 {
		wanted := make([]api.StepStatus, len(status))
		for i, name := range status {
			wanted[i] = api.StepStatus(name)
		}
		params.Status = &wanted
	}
	items := []api.Item{}
	for {
		list, err := answer[api.ItemList](client.ListItemsWithResponse(ctx, run, step, &params))
		if err != nil {
			return nil, err
		}
		items = append(items, list.Items...)
		if list.Next == "" {
			return items, nil
		}
		params.Cursor = &list.Next
	}
}
