#!/bin/sh
# Creates the namespace once the server answers. Runs in temporalio/admin-tools; TEMPORAL_ADDRESS is set.
set -eu

namespace=${TEMPORAL_NAMESPACE:-default}
attempt=0
until temporal operator cluster health >/dev/null 2>&1; do
  attempt=$((attempt + 1))
  [ "$attempt" -le 60 ] || { echo "Temporal at $TEMPORAL_ADDRESS is not healthy" >&2; exit 1; }
  sleep 1
done
temporal operator namespace describe -n "$namespace" >/dev/null 2>&1 ||
  temporal operator namespace create -n "$namespace" --retention 3d
