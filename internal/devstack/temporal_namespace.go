package devstack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"google.golang.org/protobuf/types/known/durationpb"
)

// namespaceRetention is how long Temporal keeps what has ended: reads come from our own rows.
const namespaceRetention = 7 * 24 * time.Hour

// searchAttributes are set on every run; nothing in them is personal.
func searchAttributes() map[string]enumspb.IndexedValueType {
	const keyword = enumspb.INDEXED_VALUE_TYPE_KEYWORD
	return map[string]enumspb.IndexedValueType{
		"FairleadTeam": keyword, "FairleadJob": keyword, "FairleadTrigger": keyword, "FairleadVersion": keyword,
	}
}

// prepareNamespace registers the namespace and its search attributes, and waits until calls in it are taken.
func prepareNamespace(ctx context.Context, hostPort string) error {
	connection, err := dialTemporal(ctx, hostPort)
	if err != nil {
		return err
	}
	defer connection.Close()
	_, err = connection.WorkflowService().RegisterNamespace(ctx, &workflowservice.RegisterNamespaceRequest{
		Namespace: TemporalNamespace, WorkflowExecutionRetentionPeriod: durationpb.New(namespaceRetention),
	})
	if exists := new(serviceerror.NamespaceAlreadyExists); err != nil && !errors.As(err, &exists) {
		return fmt.Errorf("register the namespace: %w", err)
	}
	return retry(ctx, "search attributes", func() error { return addSearchAttributes(ctx, connection) })
}

func dialTemporal(ctx context.Context, hostPort string) (client.Client, error) {
	var connection client.Client
	err := retry(ctx, "connect to Temporal", func() (err error) {
		connection, err = client.DialContext(ctx, client.Options{
			HostPort: hostPort, Namespace: TemporalNamespace,
			Logger: sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)),
		})
		return err
	})
	return connection, err
}

// addSearchAttributes adds the missing ones, and then lists workflows: that fails until the
// frontend has seen the namespace.
func addSearchAttributes(ctx context.Context, connection client.Client) error {
	have, err := connection.OperatorService().ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: TemporalNamespace})
	if err != nil {
		return fmt.Errorf("list: %w", err)
	}
	missing := searchAttributes()
	for name := range have.GetCustomAttributes() {
		delete(missing, name)
	}
	if len(missing) > 0 {
		_, err = connection.OperatorService().AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{
			Namespace: TemporalNamespace, SearchAttributes: missing,
		})
		if err != nil {
			return fmt.Errorf("add: %w", err)
		}
	}
	_, err = connection.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{PageSize: 1, Query: "FairleadTeam = 'default'"})
	return err
}

// retry tries again, quickly, until ctx ends: a server that has just started needs a moment.
func retry(ctx context.Context, what string, do func() error) error {
	for {
		err := do()
		if err == nil {
			return nil
		}
		if !wait(ctx, 50*time.Millisecond) {
			return fmt.Errorf("%s: %w", what, errors.Join(ctx.Err(), err))
		}
	}
}
