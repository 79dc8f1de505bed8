package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/fairlead/fairlead/examples"
	"github.com/fairlead/fairlead/gateway/api"
	"github.com/fairlead/fairlead/internal/cli"
	"github.com/fairlead/fairlead/internal/devstack"
)

const (
	demoJob = "platform_health"
	// mailWait is how long the demo waits for its e-mail, which goes out after the run has ended.
	mailWait = 30 * time.Second
	mailPoll = 200 * time.Millisecond
)

func (l *local) demo() *cobra.Command {
	var keep bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run a real job from its file to its e-mail",
		Long: `Publish the example platform_health, run it, follow its log to the end, and show the
run and the e-mail it caused. Starts the stack for it when none is up on the folder, and
waits for one that is starting.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return l.failed(l.runDemo(cmd.Context(), keep))
		},
	}
	cmd.Flags().BoolVar(&keep, "keep", false, "leave the stack up afterwards, until Ctrl-C")
	return cmd
}

// runDemo runs the demo on the stack that is up, or on one of its own.
func (l *local) runDemo(ctx context.Context, keep bool) error {
	if _, err := l.ports(); err != nil {
		return err
	}
	serving, up, err := devstack.Await(ctx, l.folder(), func(pid int) {
		l.say("A stack is starting (process %d): waiting for it.", pid)
	})
	if err != nil {
		return err
	}
	if !up {
		return l.startAndShow(ctx, keep)
	}
	l.say("The stack is up (process %d).", serving.PID)
	if l.portsFrom != 0 && l.portsFrom != serving.Ports.Gateway {
		l.say("It stays on its ports, gateway %d: --ports-from is for a stack that is started.", serving.Ports.Gateway)
	}
	return (&demonstration{l, serving.Ports}).show(ctx)
}

// startAndShow runs the demo on a stack of its own.
func (l *local) startAndShow(ctx context.Context, keep bool) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	began := false
	var shown error
	err := l.serve(ctx, func(ctx context.Context, stack *devstack.Stack) error {
		began, shown = true, (&demonstration{l, stack.Ports()}).show(ctx)
		if keep {
			return l.welcome(stack)
		}
		again := "go tool task dev"
		if l.portsFrom != 0 {
			again = fmt.Sprintf("%s -- --ports-from %d", again, l.portsFrom)
		}
		l.say("\n`" + again + "` starts the stack again, with everything that is in it.")
		stop()
		return nil
	})
	if !began && err == nil {
		return errors.New("stopped before the demo had begun")
	}
	return errors.Join(shown, err)
}

// demonstration is the demo on a stack that is up.
type demonstration struct {
	*local
	ports devstack.Ports
}

// show is the demo itself: the commands that a person would type.
func (l *demonstration) show(ctx context.Context) error {
	source, err := examples.File(demoJob)
	if err != nil {
		return err
	}
	if err := l.command(ctx, l.app.Stdout, source, "publish", "-"); err != nil {
		return err
	}
	var submitted bytes.Buffer
	submit := append([]string{"run", demoJob}, strings.Fields(inputs(l.ports, "gateway", "temporal", "storage"))...)
	if err := l.command(ctx, io.MultiWriter(l.app.Stdout, &submitted), nil, submit...); err != nil {
		return err
	}
	run := strings.TrimSpace(submitted.String())
	if err := l.command(ctx, l.app.Stdout, nil, "logs", run, "--follow"); err != nil {
		return err
	}
	if err := l.command(ctx, l.app.Stdout, nil, "get", run); err != nil {
		return err
	}
	if err := l.showMail(ctx, run); err != nil {
		return err
	}
	return l.judge(ctx, run)
}

// command runs one of the client's commands and shows it as it would be typed.
func (l *demonstration) command(ctx context.Context, out io.Writer, stdin []byte, args ...string) error {
	typed := strings.Join(args, " ")
	if stdin != nil {
		typed += " < examples/" + demoJob + "/job.yaml"
	}
	l.say("\n$ fairlead-dev %s", typed)
	code := cli.Run(ctx, cli.Program{
		Name: l.app.Name, Args: append(args, "--token-file", l.tokenFile(), "--url", l.url(), "--team", "default"), Environ: l.app.Environ, Dir: l.app.Dir,
		Stdin: bytes.NewReader(stdin), Stdout: out, Stderr: l.app.Stderr,
	})
	if code != cli.ExitSucceeded {
		return &cli.Exit{Code: cli.ExitFailed}
	}
	return nil
}

func (l *local) tokenFile() string { return filepath.Join(l.folder(), "token") }

// judge is nil when the run succeeded.
func (l *demonstration) judge(ctx context.Context, id string) error {
	var run api.Run
	if err := l.ask(ctx, "/v1/runs/"+id, &run); err != nil {
		return err
	}
	if run.Status != api.RunSucceeded {
		return fmt.Errorf("the demo's run ended %s", run.Status)
	}
	return nil
}

// showMail waits for the e-mail about the run and shows it.
func (l *demonstration) showMail(ctx context.Context, run string) error {
	ctx, cancel := context.WithTimeout(ctx, mailWait)
	defer cancel()
	l.say("\nThe e-mail it caused (%s/dev/outbox lists all, as JSON, to who has the token):\n", l.url())
	for {
		var outbox struct {
			Items []devstack.OutboxItem `json:"items"`
		}
		if err := l.ask(ctx, "/dev/outbox", &outbox); err != nil {
			return err
		}
		for _, mail := range outbox.Items {
			if strings.Contains(mail.Text, run) || bytes.Contains(mail.Payload, []byte(run)) {
				l.say("To:      %s\nSubject: %s\n\n%s", mail.To, mail.Subject, strings.TrimSpace(mail.Text))
				return nil
			}
		}
		select {
		case <-time.After(mailPoll):
		case <-ctx.Done():
			return fmt.Errorf("no e-mail about %s came within %s", run, mailWait)
		}
	}
}

// ask GETs a path of the gateway's as the admin.
func (l *demonstration) ask(ctx context.Context, path string, into any) error {
	token, err := os.ReadFile(l.tokenFile())
	if err != nil {
		return fmt.Errorf("the admin's token: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, l.url()+path, http.NoBody)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	request.Header.Set("Accept", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s answered %s", path, response.Status)
	}
	return json.NewDecoder(response.Body).Decode(into)
}

// url is the gateway's.
func (l *demonstration) url() string {
	return fmt.Sprintf("http://127.0.0.1:%d", l.ports.Gateway)
}

func (l *local) say(format string, args ...any) {
	_, _ = fmt.Fprintf(l.app.Stdout, format+"\n", args...)
}
