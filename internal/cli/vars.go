package cli

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/fairlead/fairlead/gateway/api"
)

// valueLength is how much of a value a list shows.
const valueLength = 60

func (a *App) vars() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "vars",
		Short: "The team's variables, which jobs name as vars.NAME",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.varsList(), a.varsGet(), a.varsSet(), a.varsDelete())
	return cmd
}

func (a *App) varsList() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the variables",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := a.client()
			if err != nil {
				return err
			}
			variables := []api.Variable{}
			params := api.ListVariablesParams{}
			for {
				page, err := answer[api.VariableList](client.ListVariablesWithResponse(cmd.Context(), a.team, &params))
				if err != nil {
					return err
				}
				variables = append(variables, page.Items...)
				if page.Next == "" {
					break
				}
				params.Cursor = &page.Next
			}
			if a.output == outputJSON {
				return a.printJSON(api.VariableList{Items: variables})
			}
			rows := [][]string{{"NAME", "VALUE", "CHANGED", "BY", "DESCRIPTION"}}
			for _, v := range variables {
				rows = append(rows, []string{v.Name, short(plain(v.Value), valueLength), stamp(v.UpdatedAt), v.UpdatedBy, v.Description})
			}
			return table(a.Stdout, rows)
		},
	}
}

func (a *App) varsGet() *cobra.Command {
	return &cobra.Command{
		Use:   "get NAME",
		Short: "Show a variable's value",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := a.client()
			if err != nil {
				return err
			}
			found, err := answer[api.Variable](client.GetVariableWithResponse(cmd.Context(), a.team, args[0]))
			if err != nil {
				return err
			}
			if a.output == outputJSON {
				return a.printJSON(found)
			}
			a.say("%s", cleanLines(plain(found.Value)))
			return nil
		},
	}
}

func (a *App) varsSet() *cobra.Command {
	var description string
	var text bool
	cmd := &cobra.Command{
		Use:   "set NAME VALUE",
		Short: "Create or change a variable",
		Long:  "Create or change a variable. VALUE is JSON where it can be read as JSON, else text; --text takes it as text always.",
		Args:  cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := a.client()
			if err != nil {
				return err
			}
			var kinds []string
			if text {
				kinds = []string{"string"}
			}
			body := api.PutVariable{Value: value(args[1], kinds), Description: description}
			kept, err := a.setVariable(cmd.Context(), client, args[0], body, cmd.Flags().Changed("description"))
			if err != nil {
				return err
			}
			if a.output == outputJSON {
				return a.printJSON(kept)
			}
			a.say("%s = %s", clean(kept.Name), clean(string(kept.Value)))
			return nil
		},
	}
	cmd.Flags().StringVar(&description, "description", "", "what the variable is for (default: as it was)")
	cmd.Flags().BoolVar(&text, "text", false, "VALUE is text, also where it could be read as JSON")
	return cmd
}

// setVariable changes the variable as it is now, or creates it; somebody who does so at the same time is not overwritten.
func (a *App) setVariable(ctx context.Context, client *api.ClientWithResponses, name string, body api.PutVariable, describe bool) (api.Variable, error) {
	before, err := client.GetVariableWithResponse(ctx, a.team, name)
	if err != nil {
		return api.Variable{}, err
	}
	params := api.PutVariableParams{}
	switch {
	case before.StatusCode() == http.StatusNotFound && before.ApplicationproblemJSON404 != nil:
		params.IfNoneMatch = set("*")
	case before.JSON200 == nil:
		return answer[api.Variable](before, nil)
	default:
		params.IfMatch = set(before.HTTPResponse.Header.Get("ETag"))
		if !describe {
			body.Description = before.JSON200.Description
		}
	}
	return answer[api.Variable](client.PutVariableWithResponse(ctx, a.team, name, &params, body))
}

func (a *App) varsDelete() *cobra.Command {
	return &cobra.Command{
		Use:   "delete NAME",
		Short: "Delete a variable",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := a.client()
			if err != nil {
				return err
			}
			deleted, err := client.DeleteVariableWithResponse(cmd.Context(), a.team, args[0], &api.DeleteVariableParams{IfMatch: set("*")})
			if err != nil {
				return err
			}
			return refusal(deleted.StatusCode(), deleted.ContentType(), deleted.GetBody())
		},
	}
}

// plain is a value for people: text as it is, anything else as JSON.
func plain(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) == nil && string(value) != "null" {
		return text
	}
	return string(value)
}
