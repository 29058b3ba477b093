#!/bin/sh
# Creates or updates Temporal's two databases. Harmless to repeat. Runs in temporalio/admin-tools; SQL_PASSWORD is set.
set -eu

schema() {
  database=$1
  versions=$2
  tool() { temporal-sql-tool --plugin postgres12 --ep temporal-database -p 5432 -u temporal --db "$database" "$@"; }
  tool create
  tool setup-schema -v 0.0
  tool update-schema -d "/etc/temporal/schema/postgresql/v12/$versions/versioned"
}

schema temporal temporal
schema temporal_visibility visibility
