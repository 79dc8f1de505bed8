package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fairlead/fairlead/gateway/api"
)

func (a *App) logs() *cobra.Command {
	var (
		step, item, level, text string
		attempt                 int32
		follow                  bool
	)
	cmd := &cobra.Command{
		Use:   "logs RUN",
		Short: "Show a run's log; with --follow, to the run's end",
		Long:  "Show a run's log. With --follow it goes on to the run's end, or until a person has to decide something: then the exit code is 4.",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := a.client()
			if err != nil {
				return err
			}
			filter := api.GetRunLogsParams{Step: set(step), Item: set(item), Q: set(text), Level: (*api.LogLevel)(set(level))}
			if attempt != 0 {
				filter.Attempt = &attempt
			}
			if follow {
				err := a.follow(cmd.Context(), client, args[0], filter, a.tellRecord)
				switch {
				case errors.Is(err, context.Canceled):
					return nil
				case errors.Is(err, errAsked):
					return a.asks(cmd.Context(), client, args[0])
				}
				return err
			}
			return a.readLog(cmd.Context(), client, args[0], filter)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&step, "step", "", "only this step's records")
	flags.StringVar(&item, "item", "", "only the records of the item with this key")
	flags.Int32Var(&attempt, "attempt", 0, "only this attempt's records")
	flags.StringVar(&level, "level", "", "only records of this level or a graver one: debug, info, warn, error")
	flags.StringVarP(&text, "query", "q", "", "only records whose message contains this text")
	flags.BoolVarP(&follow, "follow", "f", false, "go on until the run has ended")
	return cmd
}

// readLog writes the records that are there, page by page.
func (a *App) readLog(ctx context.Context, client *api.ClientWithResponses, run string, filter api.GetRunLogsParams) error {
	for {
		page, err := answer[api.LogPage](client.GetRunLogsWithResponse(ctx, run, &filter, accept("application/json")))
		if err != nil {
			return err
		}
		for _, record := range page.Items {
			if err := a.tellRecord(record); err != nil {
				return err
			}
		}
		if page.Next == "" {
			return nil
		}
		filter.After = &page.Next
	}
}

// tellRecord writes one record: a line of text, or of JSON.
func (a *App) tellRecord(record api.LogRecord) error {
	if a.output == outputText {
		return tellRecord(a.Stdout, record)
	}
	encoder := json.NewEncoder(a.Stdout)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(record)
}

// tellRecord writes "time level step message key=value…", without empty values; tries after
// the first are numbered.
func tellRecord(out io.Writer, record api.LogRecord) error {
	step := record.Step
	if record.Item != "" {
		step += "[" + record.Item + "]"
	}
	if record.Attempt > 1 {
		step += "#" + strconv.Itoa(record.Attempt)
	}
	var fields strings.Builder
	for _, key := range slices.Sorted(maps.Keys(record.Fields)) {
		if text := fieldText(record.Fields[key]); text != "[]" && text != `""` {
			fields.WriteString(" " + key + "=" + text)
		}
	}
	_, err := fmt.Fprintf(out, "%s  %-5s  %s  %s\n", record.Ts.UTC().Format("15:04:05.000"), clean(record.Level), clean(step), clean(record.Msg+fields.String()))
	return err
}

// fieldText is a value in a line: text as it is when that is one word, else JSON.
func fieldText(value any) string {
	if text, ok := value.(string); ok && text != "" && !strings.ContainsAny(text, " \"=") {
		return text
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(encoded)
}
