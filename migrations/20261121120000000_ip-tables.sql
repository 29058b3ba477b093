-- Up Migration

-- The IP room: pools, the blocks given from them, and the free blocks (specs: IP claims, section 3). Names, constraints and
-- indexes are contract. Rows are written by the functions of the following migrations only.

create extension if not exists btree_gist;

create table ipam_pool (
  id int generated always as identity primary key,
  owner text not null,
  name text not null,
  parent_id int references ipam_pool on delete restrict,
  depth smallint not null default 0,
  family smallint not null check (family in (4, 6)),
  cidr cidr not null,
  min_len smallint not null,
  max_len smallint not null,
  strategy text not null default 'FirstFit' check (strategy in ('FirstFit', 'BestFit', 'LeastUtilized', 'Sparse')),
  visibility text not null default 'consumer' check (visibility in ('platform', 'consumer', 'shared')),
  labels jsonb not null default '{}',
  allow_overlap boolean not null default false,
  cooldown_seconds int not null default 0 check (cooldown_seconds >= 0),
  retention_seconds int check (retention_seconds > 0),
  -- Of the specification that the pool was created with; later changes leave it alone, so that a repeated creation is recognised.
  spec_hash bytea not null,
  created_at timestamptz not null default now(),
  unique (owner, name),
  check (
    family = family(cidr) and masklen(cidr) <= min_len and min_len <= max_len
    and max_len <= case family when 4 then 32 else 128 end
  ),
  constraint ipam_pool_no_overlap exclude using gist (owner with =, cidr inet_ops with &&)
    where (parent_id is null and not allow_overlap)
);

create index ipam_pool_labels on ipam_pool using gin (labels jsonb_path_ops);
create index ipam_pool_children on ipam_pool (parent_id) where parent_id is not null;

create table ipam_alloc (
  id bigint generated always as identity primary key,
  pool_id int not null references ipam_pool on delete restrict,
  space_id int not null default 0, -- reserved for several address spaces; this version writes 0 only
  cidr cidr not null,
  purpose text not null check (purpose in ('claim', 'pool', 'reservation')),
  state text not null check (state in ('held', 'retained', 'cooling')),
  claim_uid uuid unique,
  owner text not null,
  namespace text,
  name text,
  request_hash bytea,
  reclaim text not null default 'Delete',
  expires_at timestamptz,
  retained_at timestamptz,
  expiring_at timestamptz,
  free_after timestamptz,
  created_at timestamptz not null default now(),
  -- The last guard: whatever the free list says, a pool never holds two overlapping blocks.
  constraint ipam_alloc_no_overlap exclude using gist (pool_id with =, space_id with =, cidr inet_ops with &&)
);

create unique index ipam_alloc_identity on ipam_alloc (owner, namespace, name) where purpose = 'claim' and state <> 'cooling';

-- What the sweep looks for.
create index ipam_alloc_leased on ipam_alloc (pool_id, expires_at) where state = 'held' and expires_at is not null;
create index ipam_alloc_cooling on ipam_alloc (pool_id, free_after) where state = 'cooling';
create index ipam_alloc_retained on ipam_alloc (pool_id, retained_at) where state = 'retained';

-- Buddy free list: the maximal free aligned blocks. `addr` is the first address with the full mask, so that it sorts by address.
-- No foreign key on purpose: each inserted half would lock the pool's row.
create table ipam_free (
  pool_id int not null,
  space_id int not null default 0,
  len smallint not null,
  addr inet not null,
  primary key (pool_id, space_id, len, addr)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);

-- The audit. `pool` is `<owner>/<name>`, which outlives the pool's row.
create table ipam_event (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  kind text not null,
  pool_id int,
  pool text,
  claim_uid uuid,
  owner text,
  namespace text,
  name text,
  cidr cidr,
  actor text,
  workflow_id text,
  reason text,
  detail jsonb
);

-- A uid lives once.
create unique index ipam_event_life on ipam_event (claim_uid) where kind in ('claimed', 'rebound', 'imported');
-- Rare kinds that are looked up; a claim does not pay for them.
create index ipam_event_refused on ipam_event (at) where kind = 'refused';
create index ipam_event_pool_deleted on ipam_event (owner, name) where kind = 'pool-deleted';

create table ipam_grant (
  pool_id int references ipam_pool on delete cascade,
  grantee text,
  granted_by text,
  at timestamptz not null default now(),
  primary key (pool_id, grantee)
);

create table ipam_waiter (
  pool_id int,
  workflow_id text,
  len smallint,
  blocks int,
  since timestamptz,
  until timestamptz,
  primary key (pool_id, workflow_id)
);

-- Down Migration

drop table ipam_waiter, ipam_grant, ipam_event, ipam_free, ipam_alloc, ipam_pool;
