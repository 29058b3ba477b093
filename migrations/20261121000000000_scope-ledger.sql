-- Up Migration

-- The ledger of the scope room: which balancers exist, which scope is placed where, which records are ours.
-- Compare-and-set on `state` and `holder` is the only way rows change (specs: scope creation, section 4).

create table balancer (
  id bigint generated always as identity primary key,
  account text not null,
  region text not null,
  name text not null,
  scheme text not null check (scheme in ('internet-facing', 'internal')),
  origin text not null check (origin in ('declared', 'autocreated')),
  state text not null check (state in ('reserved', 'provisioning', 'active', 'failed', 'retiring', 'retired')),
  arn text,
  dns_name text,
  canonical_hosted_zone_id text,
  created_for_scope text,
  salt int,
  keeper_namespace text,
  keeper_host text,
  brand text,
  -- The run that made the present life of this row, as `<workflow id>@<first run id>`.
  made_by text,
  -- The run that took it out of the pool and removes it: a repeat of that step finds its own mark.
  retiring_by text,
  provisioning_since timestamptz,
  activated_at timestamptz,
  -- What AWS showed last, read completely; the time is that of the reading.
  observation jsonb,
  observed_at timestamptz,
  observer text,
  observer_until timestamptz,
  failure jsonb,
  idle_since timestamptz,
  created_at timestamptz not null default now(),
  constraint balancer_name unique (account, region, name),
  constraint balancer_autocreated check (
    origin = 'declared' or (created_for_scope is not null and salt is not null and keeper_namespace is not null and keeper_host is not null and brand is not null)
  )
);

create index balancer_retiring on balancer (retiring_by) where state = 'retiring';

create index balancer_pool on balancer (account, region, scheme) where state <> 'retired';

-- Region-wide lists (load balancers and target groups), read once for all balancers.
create table region_observation (
  account text not null,
  region text not null,
  observation jsonb,
  observed_at timestamptz,
  observer text,
  observer_until timestamptz,
  primary key (account, region)
);

create table placement (
  scope_id text primary key,
  balancer_id bigint references balancer,
  state text not null default 'released' check (state in ('reserved', 'bound', 'released')),
  hosts text[] not null default '{}',
  domain text,
  visibility text check (visibility in ('public', 'private')),
  dns_type text check (dns_type in ('route53', 'external_dns')),
  region text,
  namespace text,
  -- Hosted zones of the scope's records, as `[{"id": ..., "kind": ...}]`.
  zones jsonb,
  -- The run that is changing this row; null at rest.
  holder text,
  -- The run that placed the scope: only that run may undo the placement.
  placed_by text,
  version bigint not null default 0,
  status jsonb,
  updated_at timestamptz not null default now(),
  constraint placement_live check (state = 'released' or (domain is not null and cardinality(hosts) > 0)),
  constraint placement_balancer check (state <> 'released' or balancer_id is null)
);

create index placement_live_by_balancer on placement (balancer_id) where state <> 'released';

-- A host belongs to at most one live placement.
create table placement_host (
  host text primary key,
  scope_id text not null references placement
);

create index placement_host_scope on placement_host (scope_id);

-- Written before the call to Route 53: a record whose answer was lost is known to be ours.
create table dns_record (
  zone_id text not null,
  name text not null,
  type text not null,
  scope_id text not null,
  target text not null,
  origin text not null check (origin in ('made', 'adopted')),
  made_by text not null,
  written_at timestamptz not null default now(),
  primary key (zone_id, name, type)
);

create index dns_record_scope on dns_record (scope_id);

-- Down Migration

drop table dns_record;
drop table placement_host;
drop table placement;
drop table region_observation;
drop table balancer;
