package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/fairlead/fairlead/gateway/api"
)

// submit is what the command `run` was asked for.
type submit struct {
	values  []string
	file    string
	labels  map[string]string
	version int32
	key     string
	watch   bool
}

func (a *App) run() *cobra.Command {
	var options submit
	cmd := &cobra.Command{
		Use:   "run JOB",
		Short: "Submit a run of a job; with --watch, follow it to its end",
		Long: `Submit a run of a job's current version, or of another one.

With --watch the run's log is followed to its end, or until a person has to decide
something; then how it stands is told, and the exit code says it: 0 succeeded, 1 failed, 2 canceled, 3 skipped or timed out,
4 a person is needed. 5 is for wrong usage, no authority, or no connection.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := a.client()
			if err != nil {
				return err
			}
			run, err := a.submit(cmd.Context(), client, args[0], options)
			if err != nil {
				return err
			}
			if options.watch {
				return a.watch(cmd.Context(), client, run)
			}
			if a.output == outputJSON {
				return a.printJSON(run)
			}
			a.say("%s", run.Id)
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVarP(&options.values, "set", "i", nil, "one input as key=value; repeat for more")
	flags.StringVar(&options.file, "input", "", "file with the whole input as JSON; - is standard input")
	flags.StringToStringVar(&options.labels, "label", nil, "label as key=value; repeat for more")
	flags.Int32Var(&options.version, "version", 0, "the job's version (default: the current one)")
	flags.StringVar(&options.key, "key", "", "Idempotency-Key: the same key is the same run (default: a random one)")
	flags.BoolVarP(&options.watch, "watch", "w", false, "follow the log, tell the outcome, exit by it")
	return cmd
}

// submit sends the run. It always has a key, so that sending it again after a lost answer is harmless.
func (a *App) submit(ctx context.Context, client *api.ClientWithResponses, job string, options submit) (api.Run, error) {
	input, err := a.input(ctx, client, job, options)
	if err != nil {
		return api.Run{}, err
	}
	key := options.key
	if key == "" {
		key = rand.Text()
	}
	return answer[api.Run](client.SubmitRunWithResponse(ctx, a.team, job, &api.SubmitRunParams{IdempotencyKey: &key},
		api.Submit{Input: input, Labels: options.labels, Version: options.version}))
}

// watch follows a run to its end and tells its outcome. The log goes to standard
// output, or to standard error where that is kept for JSON.
func (a *App) watch(ctx context.Context, client *api.ClientWithResponses, run api.Run) error {
	out := a.Stdout
	if a.output == outputJSON {
		out = a.Stderr
	}
	_, _ = fmt.Fprintf(out, "%s  %s v%d\n", clean(run.Id), clean(run.Job), run.Version)
	err := a.follow(ctx, client, run.Id, api.GetRunLogsParams{}, func(record api.LogRecord) error {
		return tellRecord(out, record)
	})
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("no longer following; the run goes on. See it with: %s get %s", a.Name, run.Id)
	}
	if err != nil && !errors.Is(err, errAsked) {
		return err
	}
	return a.outcome(ctx, client, run.Id, out)
}

// outcome tells how a run stands, and is the command's result.
func (a *App) outcome(ctx context.Context, client *api.ClientWithResponses, id string, out io.Writer) error {
	page, err := a.fetch(ctx, client, id)
	if err != nil {
		return err
	}
	if a.output == outputJSON {
		if err = a.printJSON(page); err == nil {
			err = page.tellWaiting(a.Stderr, a.Name)
		}
	} else {
		_, _ = fmt.Fprintln(out)
		err = page.tell(out, a.Name)
	}
	if err != nil {
		return err
	}
	return ended(page.Status)
}
