// Package cli is Fairlead's command line: the client's commands, which speak the REST API,
// and the services of production. Both binaries are made from it.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/fairlead/fairlead/gateway/api"
)

// Program is one invocation of a binary.
type Program struct {
	// Name is the binary's, as its help and its errors show it.
	Name string
	// Args are the arguments without the binary's path; Environ is as os.Environ gives it.
	Args, Environ []string
	Stdin         io.Reader
	Stdout        io.Writer
	Stderr        io.Writer
	// Dir is the working directory, absolute: relative files are found from it.
	Dir string
	// CutDelay is the pause before a log's stream that was cut is opened again; 0 means a second.
	CutDelay time.Duration
	// More makes the commands that only this binary has; nil for none.
	More func(*App) []*cobra.Command
}

// App is a program with its global flags read: what a command works with.
type App struct {
	Program

	url       string
	team      string
	tokenFile string
	output    string
}

// Run runs the program's command until it is done or ctx ends, and returns
// the process's exit code: see [ExitSucceeded] and its neighbors.
func Run(ctx context.Context, program Program) int {
	app := &App{Program: program}
	root := app.root()
	root.SetArgs(program.Args)
	root.SetIn(program.Stdin)
	root.SetOut(program.Stdout)
	root.SetErr(program.Stderr)
	return app.exit(root.ExecuteContext(ctx))
}

func (a *App) root() *cobra.Command {
	root := &cobra.Command{
		Use:           a.Name,
		Short:         "Runs jobs: YAML files whose steps call the world",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			if a.output != outputText && a.output != outputJSON {
				return fmt.Errorf("--output %q is neither text nor json", a.output)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	flags := root.PersistentFlags()
	flags.StringVar(&a.url, "url", a.env("FAIRLEAD_URL", ""), "the gateway's URL (else FAIRLEAD_URL, else the dev stack's in .fairlead here or above, else "+defaultURL+")")
	flags.StringVar(&a.team, "team", a.env("FAIRLEAD_TEAM", "default"), "the team (FAIRLEAD_TEAM)")
	flags.StringVar(&a.tokenFile, "token-file", "", "file with the token (else FAIRLEAD_TOKEN, else .fairlead/token here or above)")
	flags.StringVarP(&a.output, "output", "o", outputText, "text or json")
	root.AddCommand(
		a.publish(), a.validate(), a.run(), a.runs(), a.get(), a.items(), a.logs(), a.cancel(), a.vars(),
		a.approvals(), a.decide("approve", "Approve what a run asks for", api.DecisionApproved),
		a.decide("reject", "Reject what a run asks for", api.DecisionRejected),
		a.gateway(), a.worker(), a.migrate(), a.config(),
	)
	if a.More != nil {
		root.AddCommand(a.More(a)...)
	}
	return root
}

// env returns the variable's value, or fallback when it is unset or empty.
func (a *App) env(name, fallback string) string {
	for _, pair := range a.Environ {
		if key, value, ok := strings.Cut(pair, "="); ok && key == name && value != "" {
			return value
		}
	}
	return fallback
}

// exit tells the error, if there is one to tell, and returns the exit code.
func (a *App) exit(err error) int {
	if err == nil {
		return ExitSucceeded
	}
	code := ExitUsage
	if exit, ok := errors.AsType[*Exit](err); ok {
		code, err = exit.Code, exit.Err
	}
	if err == nil {
		return code
	}
	if refused, ok := errors.AsType[*Refused](err); ok {
		for _, place := range refused.places() {
			_, _ = fmt.Fprintln(a.Stderr, clean(place))
		}
	}
	_, _ = fmt.Fprintf(a.Stderr, "%s: %s\n", a.Name, cleanLines(err.Error()))
	return code
}
