-- Up Migration

-- A change of a pool whose answer was lost is not made again: it would undo what others did since. `p_workflow_id` is
-- `<workflowId>@<firstExecutionRunId>`.

select set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);

create index ipam_event_changed on ipam_event (workflow_id)
  where kind in ('pool-changed', 'reserved', 'unreserved', 'granted', 'revoked');

create or replace function ipam_pool_change(
  p_owner text, p_name text, p_changes jsonb, p_actor text, p_workflow_id text, out status text, out pool_id int, out before jsonb,
  out after jsonb, out waiters text[], out detail jsonb
) language plpgsql security definer set search_path from current set enable_seqscan = off set jit = off as $$
#variable_conflict use_column
declare
  v_pool ipam_pool;
  v_key text;
begin
  perform ipam_require_read_committed();
  waiters := '{}';
  select * into v_pool from ipam_pool where owner = p_owner and name = p_name;
  if found then
    perform pg_advisory_xact_lock(71001, v_pool.id);
    select * into v_pool from ipam_pool where id = v_pool.id;
  end if;
  if v_pool.id is null then
    status := 'not_found';
    detail := jsonb_build_object('reason', 'PoolNotFound', 'pool', jsonb_build_object('owner', p_owner, 'name', p_name));
    return;
  end if;
  pool_id := v_pool.id;
  before := ipam_pool_settings(v_pool);
  after := before;
  -- `@`: workers of the version before name no run.
  if p_workflow_id like '%@%' and exists (
    select from ipam_event e where e.workflow_id = p_workflow_id and e.kind = 'pool-changed'
  ) then
    status := 'unchanged';
    waiters := ipam_waiting(v_pool.id);
    return;
  end if;
  for v_key in select jsonb_object_keys(p_changes) loop
    if not before ? v_key then
      status := 'immutable';
      detail := jsonb_build_object('reason', 'ImmutableField', 'field', v_key);
      return;
    end if;
  end loop;
  after := before || p_changes;
  detail := ipam_wrong_bounds(masklen(v_pool.cidr), (after ->> 'minPrefixLength')::int, (after ->> 'maxPrefixLength')::int,
    ipam_bits(v_pool.family));
  if detail is not null then
    status := 'invalid';
  elsif before = after then
    status := 'unchanged';
  else
    status := 'changed';
    update ipam_pool set
        min_len = (after ->> 'minPrefixLength')::smallint, max_len = (after ->> 'maxPrefixLength')::smallint, strategy = after ->> 'strategy',
        visibility = after ->> 'visibility', cooldown_seconds = (after ->> 'cooldownSeconds')::int,
        retention_seconds = (after ->> 'retentionSeconds')::int, labels = after -> 'labels'
      where id = v_pool.id;
    perform ipam_record_pool('pool-changed', v_pool, p_actor, p_workflow_id, jsonb_build_object('before', before, 'after', after));
    waiters := ipam_waiting(v_pool.id);
  end if;
end $$;

create or replace function ipam_reserve(
  p_owner text, p_name text, p_cidrs cidr[], p_remove boolean, p_actor text, p_workflow_id text, out status text, out pool_id int,
  out changed cidr[], out waiters text[], out detail jsonb
) language plpgsql security definer set search_path from current set enable_seqscan = off set jit = off as $$
#variable_conflict use_column
declare
  v_pool ipam_pool;
  v_block cidr;
  v_part cidr;
  v_row ipam_alloc;
begin
  perform ipam_require_read_committed();
  changed := '{}';
  waiters := '{}';
  select * into v_pool from ipam_pool p where p.owner = p_owner and p.name = p_name;
  if found then
    perform pg_advisory_xact_lock(71001, v_pool.id);
    select * into v_pool from ipam_pool p where p.id = v_pool.id;
  end if;
  if v_pool.id is null then
    status := 'not_found';
    detail := jsonb_build_object('reason', 'PoolNotFound', 'pool', jsonb_build_object('owner', p_owner, 'name', p_name));
    return;
  end if;
  pool_id := v_pool.id;
  -- `@`: workers of the version before name no run.
  if p_workflow_id like '%@%' and exists (
    select from ipam_event e where e.workflow_id = p_workflow_id and e.kind in ('reserved', 'unreserved')
  ) then
    status := 'unchanged';
    waiters := ipam_waiting(v_pool.id);
    return;
  end if;
  foreach v_block in array p_cidrs loop
    if family(v_block) <> v_pool.family then
      status := 'family_mismatch';
      detail := jsonb_build_object('reason', 'FamilyMismatch', 'requested', ipam_family_name(family(v_block)),
        'actual', ipam_family_name(v_pool.family), 'pool', ipam_pool_ref(v_pool));
      return;
    elsif not v_block <<= v_pool.cidr then
      status := 'out_of_bounds';
      detail := jsonb_build_object('reason', 'OutsidePool', 'requested', v_block, 'range', v_pool.cidr, 'pool', ipam_pool_ref(v_pool));
      return;
    elsif not p_remove then
      select h.taken, h.detail into status, detail from ipam_holder(v_pool, v_block, p_owner) h where h.taken = 'address_taken';
      if status is not null then return; end if;
    end if;
  end loop;

  if not p_remove then
    changed := ipam_reserve_blocks(v_pool, p_cidrs, p_actor, p_workflow_id);
    status := case cardinality(changed) when 0 then 'unchanged' else 'reserved' end;
    return;
  end if;

  foreach v_block in array p_cidrs loop
    for v_row in
      delete from ipam_alloc a where a.pool_id = v_pool.id and a.space_id = 0 and a.cidr && v_block and a.purpose = 'reservation' returning *
    loop
      perform ipam_block_give(v_pool.id, masklen(v_pool.cidr), v_row.cidr);
      v_part := case when masklen(v_row.cidr) < masklen(v_block) then v_block else v_row.cidr end;
      if v_part <> v_row.cidr then -- a larger reservation: the halves beside the path stay reserved
        perform ipam_reserve_blocks(v_pool,
          array(select ipam_buddy(set_masklen(v_part, l)) from generate_series(masklen(v_row.cidr) + 1, masklen(v_part)) l), p_actor, p_workflow_id);
      end if;
      v_row.cidr := v_part;
      perform ipam_record('unreserved', v_pool, v_row, p_actor, p_workflow_id, null, null);
      changed := changed || v_part;
    end loop;
  end loop;
  status := case cardinality(changed) when 0 then 'unchanged' else 'unreserved' end;
  waiters := ipam_waiting(v_pool.id);
end $$;

create or replace function ipam_grant_set(
  p_owner text, p_name text, p_grantee text, p_granted boolean, p_actor text, p_workflow_id text, out status text, out pool_id int,
  out detail jsonb
) language plpgsql security definer set search_path from current set enable_seqscan = off set jit = off as $$
#variable_conflict use_column
declare
  v_pool ipam_pool;
begin
  perform ipam_require_read_committed();
  select * into v_pool from ipam_pool p where p.owner = p_owner and p.name = p_name for no key update; -- one grant after the other
  if not found then
    status := 'not_found';
    detail := jsonb_build_object('reason', 'PoolNotFound', 'pool', jsonb_build_object('owner', p_owner, 'name', p_name));
    return;
  end if;
  pool_id := v_pool.id;
  -- `@`: workers of the version before name no run.
  if p_workflow_id like '%@%' and exists (
    select from ipam_event e where e.workflow_id = p_workflow_id and e.kind in ('granted', 'revoked')
  ) then
    status := 'unchanged';
    return;
  end if;
  if p_granted then
    insert into ipam_grant (pool_id, grantee, granted_by) values (v_pool.id, p_grantee, p_actor) on conflict do nothing;
  else
    delete from ipam_grant g where g.pool_id = v_pool.id and g.grantee = p_grantee;
  end if;
  if not found then
    status := 'unchanged';
    return;
  end if;
  status := case when p_granted then 'granted' else 'revoked' end;
  perform ipam_record_pool(status, v_pool, p_actor, p_workflow_id, jsonb_build_object('grantee', p_grantee));
end $$;

-- Down Migration

-- The versions before took the same arguments and gave the same answers: nothing but the index has to be taken back.
drop index ipam_event_changed;
