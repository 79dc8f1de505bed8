package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/fairlead/fairlead/gateway/api"
	"github.com/fairlead/fairlead/internal/job"
)

// source is one job file.
type source struct {
	name  string
	bytes []byte
	jobs  []*job.Version
}

func (a *App) validate() *cobra.Command {
	return &cobra.Command{
		Use:   "validate FILE…",
		Short: "Check job files, without a gateway; every problem at once",
		Long:  "Check job files without a gateway. Problems are told as file:line:column, in the words of the API. Whether the team has the variables that a job names is checked by `publish`. A FILE of - is standard input.",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, files []string) error {
			sources, err := a.load(files, func([]byte) *Refused { return nil })
			if err != nil {
				return err
			}
			return a.tellValid(sources)
		},
	}
}

func (a *App) publish() *cobra.Command {
	return &cobra.Command{
		Use:   "publish FILE…",
		Short: "Publish job files and make their versions current",
		Long:  "Publish every job of the files, which may hold several documents. All files are checked, also by the gateway, before the first is published. The same content is the same version. A FILE of - is standard input.",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error {
			client, err := a.client()
			if err != nil {
				return err
			}
			sources, err := a.load(files, func(raw []byte) *Refused { return a.ask(cmd.Context(), client, raw) })
			if err != nil {
				return err
			}
			return a.publishAll(cmd.Context(), client, sources)
		},
	}
}

// load reads and checks the files; what ask says of a file, if anything, is told in
// place of what is found here. Every problem of every file is told; then one error
// stands for them all: that of wrong usage, if a file can't be read.
func (a *App) load(files []string, ask func(raw []byte) *Refused) ([]source, error) {
	var sources []source
	var problems []error
	code := ExitFailed
	for _, file := range files {
		raw, err := a.read(file)
		if err != nil {
			problems, code = append(problems, err), ExitUsage
			continue
		}
		if refused := ask(raw); refused != nil {
			refused.File = file
			problems = append(problems, refused)
			continue
		}
		jobs, err := job.Load(raw)
		if err != nil {
			problems = append(problems, offline(file, err))
			continue
		}
		sources = append(sources, source{name: file, bytes: raw, jobs: jobs})
	}
	if len(problems) == 0 {
		return sources, nil
	}
	for _, err := range problems[:len(problems)-1] {
		a.exit(err)
	}
	return nil, &Exit{Code: code, Err: problems[len(problems)-1]}
}

// askTimeout bounds the wait for what the gateway says of a file.
const askTimeout = 10 * time.Second

// ask returns the problems that the gateway finds in a file: it knows the team's
// variables. Nil for none, and where it gives no answer: what is found here is told then.
func (a *App) ask(ctx context.Context, client *api.ClientWithResponses, raw []byte) *Refused {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	_, err := answer[api.Validation](client.ValidateDefinitionsWithBodyWithResponse(ctx, a.team, contentType(raw), bytes.NewReader(raw)))
	refused, ok := errors.AsType[*Refused](err)
	if !ok || refused.Code != api.CodeInvalidDefinition || len(refused.Errors) == 0 {
		return nil
	}
	refused.RequestId = "" // the file is at fault: the service's log has nothing to add
	return refused
}

// read returns the file's bytes; - is standard input.
func (a *App) read(file string) ([]byte, error) {
	if file == "-" {
		return io.ReadAll(a.Stdin)
	}
	return os.ReadFile(a.path(file))
}

func (a *App) tellValid(sources []source) error {
	valid := api.Validation{Valid: true, Jobs: []api.ValidatedJob{}}
	for _, from := range sources {
		for _, version := range from.jobs {
			checked := api.ValidatedJob{Name: version.Definition.Name, Digest: version.Digest, Warnings: []api.Place{}}
			for _, warning := range version.Warnings {
				checked.Warnings = append(checked.Warnings, place(warning))
			}
			valid.Jobs = append(valid.Jobs, checked)
			a.warn(from.name, 0, checked.Warnings)
			if a.output == outputText {
				a.say("%s: %s is valid", from.name, checked.Name)
			}
		}
	}
	if a.output == outputJSON {
		return a.printJSON(valid)
	}
	return nil
}

func (a *App) publishAll(ctx context.Context, client *api.ClientWithResponses, sources []source) error {
	published := []api.Published{}
	rows := [][]string{{"JOB", "VERSION", "DIGEST", "FILE"}}
	for _, from := range sources {
		for _, version := range from.jobs {
			above := bytes.Count(from.bytes[:max(bytes.Index(from.bytes, version.Source), 0)], []byte("\n"))
			one, err := answer[api.Published](client.PublishJobWithBodyWithResponse(ctx, a.team, version.Definition.Name, contentType(version.Source), bytes.NewReader(version.Source)))
			if err != nil {
				return inFile(err, from.name, above)
			}
			a.warn(from.name, above, one.Warnings)
			published = append(published, one)
			rows = append(rows, []string{one.Job, fmt.Sprint(one.Version), short(one.Digest, digestLength), from.name})
		}
	}
	if a.output == outputJSON {
		return a.printJSON(published)
	}
	return table(a.Stdout, rows)
}

// digestLength is how much of a digest tells versions apart for people.
const digestLength = len("sha256:") + 13

// contentType is what a job file's bytes are.
func contentType(document []byte) string {
	if bytes.HasPrefix(bytes.TrimSpace(document), []byte("{")) {
		return "application/json"
	}
	return "application/yaml"
}

// inFile says which file the gateway's problem is in.
func inFile(err error, file string, above int) error {
	refused, ok := errors.AsType[*Refused](err)
	if !ok || len(refused.Errors) == 0 {
		return err
	}
	refused.File, refused.Line = file, above
	return &Exit{Code: ExitFailed, Err: refused}
}

func (a *App) warn(file string, above int, warnings []api.Place) {
	for _, warning := range warnings {
		_, _ = fmt.Fprintf(a.Stderr, "%s (warning)\n", clean(at(file, above, warning)))
	}
}
