package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"os"
	"time"

	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	health "google.golang.org/grpc/health/grpc_health_v1"
)

const (
	startTimeout = time.Minute           // for a slow machine under load; a normal start takes a second
	pollPause    = 20 * time.Millisecond // between two attempts to reach something that is starting
)

// awaitNamespace returns when workflows can be started, found and filtered in the namespace.
func awaitNamespace(ctx context.Context, frontend netip.AddrPort, opts options) error {
	namespace := opts.namespace
	conn, err := grpc.NewClient(reachable(frontend).String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return fmt.Errorf("connect to the frontend: %w", err)
	}
	defer conn.Close()
	workflows := workflowservice.NewWorkflowServiceClient(conn)
	if err := await(ctx, "the frontend", func(ctx context.Context) error { return serving(ctx, conn) }); err != nil {
		return err
	}
	if opts.postgres != "" {
		if err := registerNamespace(ctx, workflows, opts); err != nil {
			return err
		}
	}
	err = await(ctx, "namespace "+namespace, func(ctx context.Context) error {
		_, err := workflows.DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: namespace})
		return err
	})
	if err != nil {
		return err
	}
	if err := addSearchAttributes(ctx, operatorservice.NewOperatorServiceClient(conn), namespace); err != nil {
		return err
	}
	return await(ctx, "the list of workflows", func(ctx context.Context) error {
		_, err := workflows.CountWorkflowExecutions(ctx, &workflowservice.CountWorkflowExecutionsRequest{
			Namespace: namespace, Query: everyAttribute(),
		})
		return err
	})
}

func serving(ctx context.Context, conn *grpc.ClientConn) error {
	const service = "temporal.api.workflowservice.v1.WorkflowService"
	answer, err := health.NewHealthClient(conn).Check(ctx, &health.HealthCheckRequest{Service: service})
	if err != nil {
		return err
	}
	if answer.Status != health.HealthCheckResponse_SERVING {
		return fmt.Errorf("health is %s", answer.Status)
	}
	return nil
}

// await tries until it succeeds or ctx ends; then it returns the last failure.
func await(ctx context.Context, what string, try func(context.Context) error) error {
	ticker := time.NewTicker(pollPause)
	defer ticker.Stop()
	for {
		err := try(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w", what, err)
		case <-ticker.C:
		}
	}
}

// announcement is the line on standard output that reports to a parent process that, and where, the server is ready.
type announcement struct {
	Address   string `json:"address"`
	UI        string `json:"ui"` // empty without a Web UI
	Namespace string `json:"namespace"`
	PID       int    `json:"pid"`
}

func announce(out io.Writer, a addresses, namespace string) error {
	line := announcement{Address: reachable(a.frontend).String(), Namespace: namespace, PID: os.Getpid()}
	if a.ui.IsValid() {
		line.UI = "http://" + reachable(a.ui).String()
	}
	if err := json.NewEncoder(out).Encode(line); err != nil {
		return fmt.Errorf("announce the server: %w", err)
	}
	return nil
}
