#!/bin/sh
# Creates Temporal's namespace unless it exists, and waits until it can be used.
# Workers add the search attributes that the namespace lacks.
#
# Environment: TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, and RETENTION, which is how
# long ended workflows are kept.
set -eu
. /etc/tagwatch/await.sh

await "Temporal at $TEMPORAL_ADDRESS" temporal operator cluster health
temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1 ||
  temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention "$RETENTION"
# A new namespace is not known everywhere at once.
await "Temporal's namespace $TEMPORAL_NAMESPACE" temporal workflow count --namespace "$TEMPORAL_NAMESPACE"
