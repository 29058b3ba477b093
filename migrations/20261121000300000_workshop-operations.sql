-- Up Migration

-- What the workshop room did: one row per operation of an autoscaler. It outlives the retention of Temporal and decides nothing.

create table workshop_operation (
  operation_id text not null,
  cluster text not null,
  namespace text not null,
  provision text not null,
  uid text not null,
  from_count int not null,
  target_count int not null,
  started_at timestamptz not null,
  ended_at timestamptz,
  result text check (result in ('Succeeded', 'PartiallyFailed', 'TimedOut', 'Superseded', 'Cancelled')),
  reason text,
  workflow_id text not null,
  primary key (cluster, namespace, uid, operation_id)
);

create index workshop_operation_by_provision on workshop_operation (cluster, namespace, provision, started_at desc);

-- Down Migration

drop table workshop_operation;
