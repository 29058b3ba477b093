-- Up Migration

-- One row per rollout: how the scope's Ingresses were before its first change, and its last status, kept longer than
-- Temporal keeps the run (specs: deployment, section 2).
create table rollout (
  scope_id text not null,
  deployment_id text not null,
  -- The run that wrote the row last, as `<workflow id>@<first run id>`.
  run text not null,
  -- The Ingresses (or the HTTPRoute) as they were before the first change of this rollout; null: not recorded yet.
  before jsonb,
  status jsonb,
  began_at timestamptz not null default now(),
  ended_at timestamptz,
  primary key (scope_id, deployment_id)
);

create index rollout_open on rollout (scope_id) where ended_at is null;

-- Down Migration

drop table rollout;
