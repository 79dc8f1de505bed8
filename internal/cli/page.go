package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/fairlead/fairlead/gateway/api"
	"github.com/fairlead/fairlead/internal/job"
)

// page is a run with its steps, and what it waits for.
type page struct {
	api.Run

	Steps []api.Step `json:"steps"`
	// Approvals are those that are pending.
	Approvals []api.Approval `json:"approvals,omitempty"`
	// waits says of a step that isn't an approval what it waits for.
	waits map[string]string
}

func (a *App) fetch(ctx context.Context, client *api.ClientWithResponses, id string) (page, error) {
	run, err := answer[api.Run](client.GetRunWithResponse(ctx, id))
	if err != nil {
		return page{}, err
	}
	steps, err := answer[api.StepList](client.ListStepsWithResponse(ctx, id))
	if err != nil {
		return page{}, err
	}
	p := page{Run: run, Steps: steps.Items}
	if !slices.ContainsFunc(p.Steps, func(step api.Step) bool { return step.Status == api.StepWaiting }) {
		return p, nil
	}
	status := []api.ApprovalStatus{api.ApprovalPending}
	asked, err := answer[api.ApprovalList](client.ListApprovalsWithResponse(ctx, run.Team, &api.ListApprovalsParams{Run: &id, Status: &status}))
	if err != nil {
		return page{}, err
	}
	p.Approvals = asked.Items
	p.waits, err = waits(ctx, client, run)
	return p, err
}

// waiting is the part of a definition's step that says what it waits for.
type waiting struct {
	ID   string `json:"id"`
	Wait struct {
		For      string `json:"for"`
		Until    string `json:"until"`
		Callback *struct {
			Timeout string `json:"timeout"`
		} `json:"callback"`
	} `json:"wait"`
	Steps []waiting `json:"steps"`
}

// waits says of each step of a run's definition what it waits for.
func waits(ctx context.Context, client *api.ClientWithResponses, run api.Run) (map[string]string, error) {
	version := int32(run.Version) //nolint:gosec // a version's number
	found, err := answer[api.Job](client.GetJobWithResponse(ctx, run.Team, run.Job, &api.GetJobParams{Version: &version}, accept("application/json")))
	if err != nil {
		return nil, err
	}
	var definition struct {
		Steps   []waiting `json:"steps"`
		Finally []waiting `json:"finally"`
	}
	if err := json.Unmarshal(found.Definition, &definition); err != nil {
		return nil, fmt.Errorf("definition of %s: %w", run.Job, err)
	}
	said := map[string]string{}
	for _, step := range slices.Concat(definition.Steps, definition.Finally) {
		for _, one := range append([]waiting{step}, step.Steps...) {
			switch {
			case one.Wait.For != "":
				said[one.ID] = "for " + one.Wait.For
			case one.Wait.Until != "":
				said[one.ID] = "until " + one.Wait.Until
			case one.Wait.Callback != nil:
				said[one.ID] = "for a callback, at most " + cmp.Or(one.Wait.Callback.Timeout, "24h")
			}
		}
	}
	return said, nil
}

// tell writes the run for people: what matters first. The program's name is that of the commands it names.
func (p page) tell(out io.Writer, program string) error {
	line := fmt.Sprintf("%s  %s v%d  %s", p.Id, p.Job, p.Version, p.Status)
	if p.EndedAt != nil {
		line += " in " + took(p.StartedAt, p.EndedAt, time.Now())
	}
	_, _ = fmt.Fprintln(out, clean(line))
	if p.Error != nil {
		_, _ = fmt.Fprintln(out, clean("because "+failureLine(p.Error)))
	}
	if p.Cleanup == api.CleanupFailed {
		_, _ = fmt.Fprintln(out, clean("cleanup failed: "+p.uncleaned()))
	}
	if p.Trigger.Parent != "" {
		_, _ = fmt.Fprintln(out, clean("started by "+p.Trigger.Parent))
	}
	if err := p.tellSteps(out); err != nil {
		return err
	}
	switch {
	case p.OutputUrl != "":
		_, _ = fmt.Fprintln(out, clean("output: large, at "+p.OutputUrl))
	case len(p.Output) > 0 && string(p.Output) != "null":
		_, _ = fmt.Fprintln(out, clean("output: "+string(p.Output)))
	}
	return p.tellWaiting(out, program)
}

// uncleaned says what of the cleanup failed.
func (p page) uncleaned() string {
	var undone []string
	for _, step := range p.Steps {
		if strings.HasSuffix(step.Id, job.CompensationOf("")) && step.Status != api.StepSucceeded {
			undone = append(undone, step.Id)
		}
	}
	if len(undone) == 0 {
		return "a step of finally did"
	}
	return strings.Join(undone, ", ") + " left something to undo"
}

// tellSteps writes the steps, with a column for items where a step has some.
func (p page) tellSteps(out io.Writer) error {
	now := time.Now()
	items := slices.ContainsFunc(p.Steps, func(step api.Step) bool { return step.Items != nil })
	rows := [][]string{{"", "STEP", "STATUS", "ATTEMPTS", "ITEMS", "TOOK", "ERROR"}}
	for _, step := range p.Steps {
		status, failure := string(step.Status), ""
		if step.Reason != "" {
			status += " (" + step.Reason + ")"
		}
		if step.Error != nil {
			failure = short(step.Error.Code+": "+step.Error.Message, errorLength)
		}
		rows = append(rows, []string{"", step.Id, status, fmt.Sprint(step.Attempts), counts(step.Items), took(step.StartedAt, step.EndedAt, now), failure})
	}
	if !items {
		for i, row := range rows {
			rows[i] = slices.Delete(row, 4, 5)
		}
	}
	return table(out, rows)
}

// counts is how the items of a step stand: those that failed, where some did, else those that are done.
func counts(items *api.ItemCounts) string {
	switch {
	case items == nil:
		return ""
	case items.Failed > 0:
		return fmt.Sprintf("%d of %d failed", items.Failed, items.Total)
	}
	return fmt.Sprintf("%d of %d", items.Succeeded, items.Total)
}

// tellWaiting writes what the run waits for, and how a person decides.
func (p page) tellWaiting(out io.Writer, program string) error {
	asks := map[string]bool{}
	for _, approval := range p.Approvals {
		asks[approval.Step] = true
		line := "step " + inStep(approval.Step, approval.Item) + " waits for a decision"
		if len(approval.By) > 0 {
			line += " by " + strings.Join(approval.By, ", ")
		}
		line += ", until " + stamp(approval.ExpiresAt)
		if approval.Message != "" {
			line += ": " + approval.Message
		}
		command := approval.Run + " " + approval.Step
		if approval.Item != "" {
			command += " --item " + quoted(approval.Item)
		}
		_, _ = fmt.Fprintf(out, "%s\n  %s approve %s   (or %s reject …; -m TEXT says why)\n", clean(line), program, clean(command), program)
	}
	for _, step := range p.Steps {
		if what := p.waits[step.Id]; step.Status == api.StepWaiting && what != "" && !asks[step.Id] {
			_, _ = fmt.Fprintln(out, clean("step "+step.Id+" waits "+what))
		}
	}
	return nil
}

// inStep is a step, with its item where it has one.
func inStep(step, item string) string {
	if item == "" {
		return step
	}
	return step + "[" + item + "]"
}

// quoted is a word as a shell takes it.
func quoted(word string) string {
	special := func(r rune) bool {
		return !strings.ContainsRune("_-./:", r) && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}
	if word != "" && !strings.ContainsFunc(word, special) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// asks tells that a run waits for a person, and how they decide.
func (a *App) asks(ctx context.Context, client *api.ClientWithResponses, run string) error {
	page, err := a.fetch(ctx, client, run)
	if err != nil {
		return err
	}
	if err := page.tellWaiting(a.Stderr, a.Name); err != nil {
		return err
	}
	return &Exit{Code: ExitPerson}
}
