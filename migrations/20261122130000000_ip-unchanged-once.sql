-- Up Migration

-- A run that found nothing to do has left no event. Its answer is kept beside the audit, so that an attempt of it that comes late, or
-- again, does not act on what others did since. `workflow_id` is `<workflowId>@<firstExecutionRunId>`.

select set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);

create table ipam_unchanged (
  workflow_id text,
  part text default '', -- a row of an import: `<owner>/<namespace>/<name>=<cidr>`
  answer jsonb not null,
  at timestamptz not null default now(),
  primary key (workflow_id, part)
);
create index ipam_unchanged_at on ipam_unchanged (at);

-- The functions that decide and act are called by those of their old names, as whose owner they run.
alter function ipam_pool_create rename to ipam_pool_create_act;
alter function ipam_pool_change rename to ipam_pool_change_act;
alter function ipam_pool_delete rename to ipam_pool_delete_act;
alter function ipam_reserve rename to ipam_reserve_act;
alter function ipam_grant_set rename to ipam_grant_set_act;
alter function ipam_import_one rename to ipam_import_one_act;
alter function ipam_pool_create_act security invoker;
alter function ipam_pool_change_act security invoker;
alter function ipam_pool_delete_act security invoker;
alter function ipam_reserve_act security invoker;
alter function ipam_grant_set_act security invoker;

-- What this run was answered, if it found nothing to do. Attempts of one run go one after the other: this lock before all others.
create function ipam_unchanged_answer(p_workflow_id text) returns jsonb language plpgsql as $$
begin
  perform ipam_require_read_committed();
  if p_workflow_id not like '%@%' then return null; end if; -- workers of the version before name no run
  perform pg_advisory_xact_lock(71003, hashtext(p_workflow_id));
  return (select answer from ipam_unchanged where workflow_id = p_workflow_id and part = '');
end $$;

create function ipam_keep_unchanged(p_workflow_id text, p_part text, p_answer jsonb) returns void language plpgsql as $$
begin
  if p_workflow_id like '%@%' then
    insert into ipam_unchanged (workflow_id, part, answer) values (p_workflow_id, p_part, p_answer) on conflict do nothing;
  end if;
end $$;

create function ipam_pool_create(
  p_owner text, p_name text, p_cidr cidr, p_parent_owner text, p_parent_name text, p_len smallint, p_wanted cidr, p_min_len smallint,
  p_max_len smallint, p_strategy text, p_visibility text, p_cooldown int, p_retention int, p_labels jsonb, p_allow_overlap boolean,
  p_reservations jsonb, p_spec_hash bytea, p_actor text, p_workflow_id text
) returns setof ipam_pool_row
  language plpgsql security definer set search_path from current set enable_seqscan = off set jit = off as $$
declare
  v_answer ipam_pool_row;
begin
  if ipam_unchanged_answer(p_workflow_id) is not null then
    perform from ipam_pool where owner = p_owner and name = p_name for key share; -- it is not deleted meanwhile
    if not found then
      v_answer.status := 'gone';
      v_answer.detail := jsonb_build_object('reason', 'PoolNotFound');
      return next v_answer;
      return;
    end if;
  end if;
  select * into v_answer from ipam_pool_create_act(p_owner, p_name, p_cidr, p_parent_owner, p_parent_name, p_len, p_wanted, p_min_len,
    p_max_len, p_strategy, p_visibility, p_cooldown, p_retention, p_labels, p_allow_overlap, p_reservations, p_spec_hash, p_actor,
    p_workflow_id);
  if v_answer.status = 'created' and v_answer.replayed then
    perform ipam_keep_unchanged(p_workflow_id, '', to_jsonb(v_answer));
  end if;
  return next v_answer;
end $$;

create function ipam_pool_delete(
  p_owner text, p_name text, p_actor text, p_workflow_id text, out status text, out pool_id int, out cidr cidr, out parent_owner text,
  out parent_name text, out free_after timestamptz, out replayed boolean, out waiters text[], out detail jsonb
) language plpgsql security definer set search_path from current set enable_seqscan = off set jit = off as $$
declare
  v_answer jsonb := ipam_unchanged_answer(p_workflow_id);
begin
  if v_answer is null then
    select to_jsonb(a) into v_answer from ipam_pool_delete_act(p_owner, p_name, p_actor, p_workflow_id) a;
    if v_answer ->> 'status' = 'not_found' then perform ipam_keep_unchanged(p_workflow_id, '', v_answer); end if;
  end if;
  select * into status, pool_id, cidr, parent_owner, parent_name, free_after, replayed, waiters, detail from jsonb_to_record(v_answer)
    as a (status text, pool_id int, cidr cidr, parent_owner text, parent_name text, free_after timestamptz, replayed boolean,
      waiters text[], detail jsonb);
end $$;

create function ipam_pool_change(
  p_owner text, p_name text, p_changes jsonb, p_actor text, p_workflow_id text, out status text, out pool_id int, out before jsonb,
  out after jsonb, out waiters text[], out detail jsonb
) language plpgsql security definer set search_path from current set enable_seqscan = off set jit = off as $$
declare
  v_answer jsonb := ipam_unchanged_answer(p_workflow_id);
begin
  if v_answer is null then
    select to_jsonb(a) into v_answer from ipam_pool_change_act(p_owner, p_name, p_changes, p_actor, p_workflow_id) a;
    if v_answer ->> 'status' = 'unchanged' then perform ipam_keep_unchanged(p_workflow_id, '', v_answer); end if;
  end if;
  select * into status, pool_id, before, after, waiters, detail from jsonb_to_record(v_answer)
    as a (status text, pool_id int, before jsonb, after jsonb, waiters text[], detail jsonb);
end $$;

create function ipam_reserve(
  p_owner text, p_name text, p_cidrs cidr[], p_remove boolean, p_actor text, p_workflow_id text, out status text, out pool_id int,
  out changed cidr[], out waiters text[], out detail jsonb
) language plpgsql security definer set search_path from current set enable_seqscan = off set jit = off as $$
declare
  v_answer jsonb := ipam_unchanged_answer(p_workflow_id);
begin
  if v_answer is null then
    select to_jsonb(a) into v_answer from ipam_reserve_act(p_owner, p_name, p_cidrs, p_remove, p_actor, p_workflow_id) a;
    if v_answer ->> 'status' = 'unchanged' then perform ipam_keep_unchanged(p_workflow_id, '', v_answer); end if;
  end if;
  select * into status, pool_id, changed, waiters, detail from jsonb_to_record(v_answer)
    as a (status text, pool_id int, changed cidr[], waiters text[], detail jsonb);
end $$;

create function ipam_grant_set(
  p_owner text, p_name text, p_grantee text, p_granted boolean, p_actor text, p_workflow_id text, out status text, out pool_id int,
  out detail jsonb
) language plpgsql security definer set search_path from current set enable_seqscan = off set jit = off as $$
declare
  v_answer jsonb := ipam_unchanged_answer(p_workflow_id);
begin
  if v_answer is null then
    select to_jsonb(a) into v_answer from ipam_grant_set_act(p_owner, p_name, p_grantee, p_granted, p_actor, p_workflow_id) a;
    if v_answer ->> 'status' = 'unchanged' then perform ipam_keep_unchanged(p_workflow_id, '', v_answer); end if;
  end if;
  select * into status, pool_id, detail from jsonb_to_record(v_answer) as a (status text, pool_id int, detail jsonb);
end $$;

-- One row of an import into a locked pool: what becomes of it, done. The pool's lock orders the attempts of a run.
create function ipam_import_one(p_pool ipam_pool, p_row jsonb, p_actor text, p_workflow_id text) returns ipam_import_row
  language plpgsql as $$
declare
  v_part text := format('%s/%s/%s=%s', coalesce(p_row ->> 'owner', p_pool.owner), p_row ->> 'namespace', p_row ->> 'name', p_row ->> 'cidr');
  v_past jsonb := (select answer from ipam_unchanged where workflow_id = p_workflow_id and part = v_part);
  v_answer ipam_import_row;
begin
  if v_past is not null then return jsonb_populate_record(null::ipam_import_row, v_past); end if;
  v_answer := ipam_import_one_act(p_pool, p_row, p_actor, p_workflow_id);
  if v_answer.status = 'unchanged' then perform ipam_keep_unchanged(p_workflow_id, v_part, to_jsonb(v_answer)); end if;
  return v_answer;
end $$;

-- Drops waiters whose time is over, events older than they are kept (`p_event_days` null: for ever), and what runs found unchanged that
-- nobody tries any more; at most 1000 a call.
create or replace function ipam_housekeep(
  p_refused_days numeric, p_event_days numeric, out waiters int, out refused int, out events int, out without_retention bigint
) language plpgsql security definer set search_path from current as $$
begin
  perform ipam_require_read_committed();
  delete from ipam_waiter where until <= clock_timestamp();
  get diagnostics waiters = row_count;
  delete from ipam_unchanged where (workflow_id, part) in (
    select workflow_id, part from ipam_unchanged where at < clock_timestamp() - interval '30 days' order by at limit 1000
  );
  delete from ipam_event where id in (
    select id from ipam_event where kind = 'refused' and at < clock_timestamp() - make_interval(secs => p_refused_days * 86400)
      order by at limit 1000
  );
  get diagnostics refused = row_count;
  events := 0;
  if p_event_days is not null then
    -- An event that began a life stays while the block is there: it is how a late request of that life is recognised.
    delete from ipam_event where id in (
      select e.id from ipam_event e
        where e.at < clock_timestamp() - make_interval(secs => p_event_days * 86400)
          and not exists (select from ipam_alloc a where a.claim_uid = e.claim_uid)
        order by e.id limit 1000
    );
    get diagnostics events = row_count;
  end if;
  select count(*) into without_retention from ipam_alloc a join ipam_pool p on p.id = a.pool_id
    where a.state = 'retained' and p.retention_seconds is null;
end $$;

revoke execute on function ipam_unchanged_answer, ipam_keep_unchanged, ipam_import_one, ipam_pool_create, ipam_pool_delete,
  ipam_pool_change, ipam_reserve, ipam_grant_set from public;
do $$
begin
  if exists (select from pg_roles where rolname = 'groundwork_worker') then
    grant execute on function ipam_pool_create, ipam_pool_delete, ipam_pool_change, ipam_reserve, ipam_grant_set to groundwork_worker;
    revoke execute on function ipam_pool_create_act, ipam_pool_delete_act, ipam_pool_change_act, ipam_reserve_act, ipam_grant_set_act
      from groundwork_worker;
    revoke all on ipam_unchanged from groundwork_worker; -- new tables are the worker's own by default
    grant select on ipam_unchanged to groundwork_worker;
  end if;
end $$;

-- Down Migration

select set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);

drop function ipam_pool_create, ipam_pool_delete, ipam_pool_change, ipam_reserve, ipam_grant_set, ipam_import_one, ipam_keep_unchanged,
  ipam_unchanged_answer;
alter function ipam_pool_create_act rename to ipam_pool_create;
alter function ipam_pool_change_act rename to ipam_pool_change;
alter function ipam_pool_delete_act rename to ipam_pool_delete;
alter function ipam_reserve_act rename to ipam_reserve;
alter function ipam_grant_set_act rename to ipam_grant_set;
alter function ipam_import_one_act rename to ipam_import_one;
alter function ipam_pool_create security definer;
alter function ipam_pool_change security definer;
alter function ipam_pool_delete security definer;
alter function ipam_reserve security definer;
alter function ipam_grant_set security definer;

-- Drops waiters whose time is over and events older than they are kept (`p_event_days` null: for ever), at most 1000 a call.
create or replace function ipam_housekeep(
  p_refused_days numeric, p_event_days numeric, out waiters int, out refused int, out events int, out without_retention bigint
) language plpgsql security definer set search_path from current as $$
begin
  perform ipam_require_read_committed();
  delete from ipam_waiter where until <= clock_timestamp();
  get diagnostics waiters = row_count;
  delete from ipam_event where id in (
    select id from ipam_event where kind = 'refused' and at < clock_timestamp() - make_interval(secs => p_refused_days * 86400)
      order by at limit 1000
  );
  get diagnostics refused = row_count;
  events := 0;
  if p_event_days is not null then
    -- An event that began a life stays while the block is there: it is how a late request of that life is recognised.
    delete from ipam_event where id in (
      select e.id from ipam_event e
        where e.at < clock_timestamp() - make_interval(secs => p_event_days * 86400)
          and not exists (select from ipam_alloc a where a.claim_uid = e.claim_uid)
        order by e.id limit 1000
    );
    get diagnostics events = row_count;
  end if;
  select count(*) into without_retention from ipam_alloc a join ipam_pool p on p.id = a.pool_id
    where a.state = 'retained' and p.retention_seconds is null;
end $$;

do $$
begin
  if exists (select from pg_roles where rolname = 'groundwork_worker') then
    grant execute on function ipam_pool_create, ipam_pool_delete, ipam_pool_change, ipam_reserve, ipam_grant_set to groundwork_worker;
  end if;
end $$;

drop table ipam_unchanged;
