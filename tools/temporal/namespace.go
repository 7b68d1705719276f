package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/server/common/primitives"
	"go.temporal.io/server/schema/sqlite"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

const systemNamespace = primitives.SystemLocalNamespace

// searchAttributes are those of Tagwatch's workflows, to list, filter and sort them by.
var searchAttributes = map[string]enums.IndexedValueType{
	"TagwatchRegistry":   enums.INDEXED_VALUE_TYPE_KEYWORD,
	"TagwatchRepository": enums.INDEXED_VALUE_TYPE_KEYWORD,
	"TagwatchTag":        enums.INDEXED_VALUE_TYPE_KEYWORD,
	"TagwatchDigest":     enums.INDEXED_VALUE_TYPE_KEYWORD,
	"TagwatchPolicy":     enums.INDEXED_VALUE_TYPE_KEYWORD,
	"TagwatchCritical":   enums.INDEXED_VALUE_TYPE_INT,
	"TagwatchHigh":       enums.INDEXED_VALUE_TYPE_INT,
	"TagwatchCoverage":   enums.INDEXED_VALUE_TYPE_KEYWORD,
	"TagwatchProblem":    enums.INDEXED_VALUE_TYPE_KEYWORD,
}

// createNamespace writes the namespace into the database before the server starts, so that no cache has to be refreshed. An existing
// one is not changed.
func createNamespace(opts options, s *store) error {
	if s.visibility != nil {
		return nil // PostgreSQL: registerNamespace does it once the server responds
	}
	namespace, err := sqlite.NewNamespaceConfig(clusterName, opts.namespace, false, searchAttributes)
	if err != nil {
		return fmt.Errorf("describe namespace %s: %w", opts.namespace, err)
	}
	namespace.Detail.Config.Retention = durationpb.New(opts.retention)
	if err := sqlite.CreateNamespaces(s.sql, namespace); err != nil {
		return fmt.Errorf("create namespace %s: %w", opts.namespace, err)
	}
	return nil
}

// registerNamespace creates the namespace on a running server unless it exists.
func registerNamespace(ctx context.Context, workflows workflowservice.WorkflowServiceClient, opts options) error {
	_, err := workflows.RegisterNamespace(ctx, &workflowservice.RegisterNamespaceRequest{
		Namespace: opts.namespace, WorkflowExecutionRetentionPeriod: durationpb.New(opts.retention)})
	if _, exists := errors.AsType[*serviceerror.NamespaceAlreadyExists](serviceerror.FromStatus(status.Convert(err))); err != nil && !exists {
		return fmt.Errorf("create namespace %s: %w", opts.namespace, err)
	}
	return nil
}

// addSearchAttributes adds the missing attributes to a namespace that existed before.
func addSearchAttributes(ctx context.Context, operator operatorservice.OperatorServiceClient, namespace string) error {
	listed, err := operator.ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: namespace})
	if err != nil {
		return fmt.Errorf("list search attributes of namespace %s: %w", namespace, err)
	}
	missing := maps.Clone(searchAttributes)
	for name, kind := range listed.CustomAttributes {
		wanted, ours := searchAttributes[name]
		if ours && wanted != kind {
			return fmt.Errorf("search attribute %s of namespace %s is of type %s, Tagwatch needs %s; choose another --namespace",
				name, namespace, kind, wanted)
		}
		delete(missing, name)
	}
	if len(missing) == 0 {
		return nil
	}
	_, err = operator.AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{
		Namespace: namespace, SearchAttributes: missing,
	})
	if err != nil {
		return fmt.Errorf("add search attributes to namespace %s: %w", namespace, err)
	}
	return nil
}

// everyAttribute is a list filter that the server accepts once it has all of our search attributes.
func everyAttribute() string {
	var terms []string
	for _, name := range slices.Sorted(maps.Keys(searchAttributes)) {
		terms = append(terms, name+" IS NULL")
	}
	return strings.Join(terms, " AND ")
}
