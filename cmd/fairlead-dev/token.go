package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/fairlead/fairlead/internal/devstack"
)

func (l *local) token() *cobra.Command {
	var claims devstack.Claims
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Print a token of the stack's issuer for somebody",
		Long: `Print a token that the stack's gateway accepts, signed by its issuer.
The roles, each with the rights of those before it: viewer, approver, operator,
editor, admin. Without a role the bearer belongs to no team.`,
		Example: "  fairlead-dev token --user ana --groups finance_leads --role approver",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			// The team is the global --team, as for every other command.
			claims.Team = cmd.Flag("team").Value.String()
			token, err := devstack.SignToken(l.folder(), "", claims)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(l.app.Stdout, token)
			return err
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&claims.Subject, "user", "", "who bears it")
	flags.StringVar(&claims.Email, "email", "", "the bearer's address")
	flags.StringSliceVar(&claims.Groups, "groups", nil, "the bearer's groups")
	flags.StringVar(&claims.Role, "role", "", "the bearer's role in the team")
	flags.DurationVar(&claims.TTL, "ttl", time.Hour, "how long it is good for; a negative one has expired already")
	if err := cmd.MarkFlagRequired("user"); err != nil {
		panic(err) // unreachable: the flag is made above
	}
	return cmd
}
