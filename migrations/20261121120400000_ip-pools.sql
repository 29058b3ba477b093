-- Up Migration

-- Pools: create, change, delete, reserve, grant. Locks: an owner's lock (71002) before pools, pools from root to leaf.

select set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);

create type ipam_pool_row as (
  status text, pool_id int, owner text, name text, parent_owner text, parent_name text, depth smallint, family smallint, cidr cidr,
  min_len smallint, max_len smallint, strategy text, visibility text, cooldown_seconds int, retention_seconds int, replayed boolean,
  spec_hash bytea, detail jsonb
);

create function ipam_pool_answer(p_status text, p_pool ipam_pool, p_replayed boolean, p_detail jsonb) returns ipam_pool_row
  language plpgsql stable as $$
declare
  v_parent ipam_pool;
begin
  select * into v_parent from ipam_pool where id = p_pool.parent_id;
  return row(p_status, p_pool.id, p_pool.owner, p_pool.name, v_parent.owner, v_parent.name, p_pool.depth, p_pool.family, p_pool.cidr,
    p_pool.min_len, p_pool.max_len, p_pool.strategy, p_pool.visibility, p_pool.cooldown_seconds, p_pool.retention_seconds, p_replayed,
    p_pool.spec_hash, p_detail)::ipam_pool_row;
end $$;

create function ipam_wrong_field(p_path text, p_message text) returns jsonb language sql immutable
  return jsonb_build_object('reason', 'Schema', 'paths', jsonb_build_array(jsonb_build_object('path', p_path, 'message', p_message)));

-- What is wrong with a range of lengths in a pool of length `p_own`; null when nothing is.
create function ipam_wrong_bounds(p_own int, p_min int, p_max int, p_bits int) returns jsonb language sql immutable
  return case
    when p_min < p_own
      then ipam_wrong_field('spec.allocation.minPrefixLength', format('/%s is bigger than the pool itself, a /%s', p_min, p_own))
    when p_max > p_bits then ipam_wrong_field('spec.allocation.maxPrefixLength', format('must be at most %s', p_bits))
    when p_min > p_max
      then ipam_wrong_field('spec.allocation.minPrefixLength', format('must be at most maxPrefixLength, which is %s', p_max))
  end;

-- The blocks that `p_reservations` reserves of `p_block`: the edges, and the blocks of its ranges.
create function ipam_reserved_blocks(p_block cidr, p_max_len int, p_reservations jsonb, out wrong jsonb, out blocks cidr[])
  language plpgsql immutable as $$
declare
  v_unit int := coalesce((p_reservations ->> 'unitPrefixLength')::int, p_max_len);
  v_leading bigint := coalesce((p_reservations ->> 'leading')::bigint, 0);
  v_trailing bigint := coalesce((p_reservations ->> 'trailing')::bigint, 0);
  v_block cidr;
begin
  blocks := '{}';
  if p_reservations is null then return; end if;
  if v_unit not between masklen(p_block) and ipam_bits(family(p_block)) then
    wrong := ipam_wrong_field('spec.reservations.unitPrefixLength',
      format('/%s is not inside the pool, a /%s', v_unit, masklen(p_block)));
  elsif v_leading < 0 or v_trailing < 0 or v_leading + v_trailing > power(2::numeric, v_unit - masklen(p_block)) then
    wrong := ipam_wrong_field('spec.reservations',
      format('%s leading and %s trailing blocks of /%s are more than %s has', v_leading, v_trailing, v_unit, p_block));
  end if;
  if wrong is not null then return; end if;
  blocks := array(select ipam_edge(p_block, v_unit, v_leading, false) union all select ipam_edge(p_block, v_unit, v_trailing, true))
    || array(select c::cidr from jsonb_array_elements_text(coalesce(p_reservations -> 'cidrs', '[]')) c);
  foreach v_block in array blocks loop
    if not v_block <<= p_block then
      wrong := jsonb_build_object('reason', 'OutsidePool', 'requested', v_block, 'range', p_block);
      return;
    end if;
  end loop;
end $$;

-- Reserves blocks of a locked pool that nobody but reservations holds a part of. Answers the blocks that are new; a block in which
-- there are smaller reservations takes their place.
create function ipam_reserve_blocks(p_pool ipam_pool, p_blocks cidr[], p_actor text, p_workflow_id text) returns cidr[]
  language plpgsql as $$
declare
  v_block cidr;
  v_row ipam_alloc;
  v_find record;
  v_changed cidr[] := '{}';
begin
  for v_block in select b from unnest(p_blocks) b order by masklen(b), b loop
    continue when exists (select from ipam_alloc where pool_id = p_pool.id and space_id = 0 and cidr && v_block and cidr >>= v_block);
    for v_row in delete from ipam_alloc where pool_id = p_pool.id and space_id = 0 and cidr && v_block returning * loop
      perform ipam_block_give(p_pool.id, masklen(p_pool.cidr), v_row.cidr);
    end loop;
    select * into v_find from ipam_block_find(p_pool.id, masklen(p_pool.cidr), p_pool.strategy, masklen(v_block), v_block);
    insert into ipam_alloc (pool_id, cidr, purpose, state, owner) values (p_pool.id, v_block, 'reservation', 'held', p_pool.owner)
      returning * into v_row;
    perform ipam_block_take(p_pool.id, v_find.found_len, v_find.found_addr, v_block);
    perform ipam_record('reserved', p_pool, v_row, p_actor, p_workflow_id, null, null);
    v_changed := v_changed || v_block;
  end loop;
  return v_changed;
end $$;

create function ipam_record_pool(p_kind text, p_pool ipam_pool, p_actor text, p_workflow_id text, p_detail jsonb) returns void
  language plpgsql as $$
begin
  insert into ipam_event (kind, pool_id, pool, owner, name, cidr, actor, workflow_id, detail)
    values (p_kind, p_pool.id, p_pool.owner || '/' || p_pool.name, p_pool.owner, p_pool.name, p_pool.cidr, p_actor, p_workflow_id, p_detail);
end $$;

create function ipam_pool_create(
  p_owner text, p_name text, p_cidr cidr, p_parent_owner text, p_parent_name text, p_len smallint, p_wanted cidr, p_min_len smallint,
  p_max_len smallint, p_strategy text, p_visibility text, p_cooldown int, p_retention int, p_labels jsonb, p_allow_overlap boolean,
  p_reservations jsonb, p_spec_hash bytea, p_actor text, p_workflow_id text
) returns setof ipam_pool_row
  language plpgsql security definer set search_path from current set enable_seqscan = off set jit = off as $$
declare
  v_pool ipam_pool;
  v_parent ipam_pool;
  v_other ipam_pool;
  v_choice record;
  v_find record;
  v_reserved record;
  v_block ipam_alloc;
  v_detail jsonb;
  v_locked int;
begin
  perform ipam_require_read_committed();
  if (p_cidr is null) = (p_parent_name is null) or (p_parent_name is null) <> (p_len is null)
      or masklen(p_wanted) <> p_len or p_spec_hash is null then
    raise exception 'ipam_pool_create: contradictory arguments' using errcode = '22023';
  end if;

  -- Creations of one owner go one after the other: names and roots are compared once, and nobody waits who only repeats.
  for v_pass in 1..2 loop
    select * into v_pool from ipam_pool where owner = p_owner and name = p_name;
    if found then
      if v_pool.spec_hash = p_spec_hash then
        return next ipam_pool_answer('created', v_pool, true, null);
      else
        return next ipam_pool_answer('conflict', v_pool, false, jsonb_build_object('reason', 'PoolConflict', 'pool', ipam_pool_ref(v_pool)));
      end if;
      return;
    end if;
    if v_pass = 1 then perform pg_advisory_xact_lock(71002, hashtext(p_owner)); end if;
  end loop;

  v_pool.owner := p_owner;
  v_pool.name := p_name;
  v_pool.strategy := coalesce(p_strategy, 'FirstFit');
  v_pool.visibility := coalesce(p_visibility, 'consumer');
  v_pool.cooldown_seconds := coalesce(p_cooldown, 0);
  v_pool.retention_seconds := p_retention;
  v_pool.labels := coalesce(p_labels, '{}');
  v_pool.allow_overlap := coalesce(p_allow_overlap, false);
  v_pool.spec_hash := p_spec_hash;
  v_pool.depth := 0;

  if p_parent_name is null then
    v_pool.cidr := p_cidr;
    if not v_pool.allow_overlap then
      select * into v_other from ipam_pool where owner = p_owner and parent_id is null and cidr && p_cidr order by cidr limit 1;
      if found then
        return next ipam_pool_answer('overlap', v_pool, false, jsonb_build_object('reason', 'PoolOverlap',
          'other', ipam_pool_ref(v_other) || jsonb_build_object('cidr', v_other.cidr), 'cidr', p_cidr));
        return;
      end if;
    end if;
  else
    -- As a claim: decide, lock, decide again.
    loop
      select p.family into v_pool.family from ipam_pool p where p.owner = coalesce(p_parent_owner, p_owner) and p.name = p_parent_name;
      select * into v_choice from ipam_claim_pool(p_owner, p_parent_owner, p_parent_name, null, v_pool.family, p_len, p_wanted, 1, null, '{}');
      if v_choice.status is not null then
        return next ipam_pool_answer(v_choice.status, v_pool, false, v_choice.detail);
        return;
      end if;
      v_parent := v_choice.pool;
      exit when v_locked = v_parent.id;
      if v_locked is not null then
        raise exception 'the parent was replaced meanwhile' using errcode = '40001';
      end if;
      v_locked := v_parent.id;
      perform pg_advisory_xact_lock(71001, v_locked);
    end loop;
    select * into v_find from ipam_block_find(v_parent.id, masklen(v_parent.cidr), v_parent.strategy, p_len, p_wanted);
    if v_find.found_len is null then
      return next ipam_pool_answer('drift', v_pool, false, jsonb_build_object('reason', 'Drift', 'pool', ipam_pool_ref(v_parent)));
      return;
    end if;
    v_pool.cidr := coalesce(p_wanted, network(set_masklen(v_find.found_addr, p_len)));
    v_pool.parent_id := v_parent.id;
    v_pool.depth := v_parent.depth + 1;
  end if;

  v_pool.family := family(v_pool.cidr);
  v_pool.min_len := coalesce(p_min_len, masklen(v_pool.cidr));
  v_pool.max_len := coalesce(p_max_len, ipam_bits(v_pool.family));
  v_detail := ipam_wrong_bounds(masklen(v_pool.cidr), v_pool.min_len, v_pool.max_len, ipam_bits(v_pool.family));
  if v_detail is null then
    select * into v_reserved from ipam_reserved_blocks(v_pool.cidr, v_pool.max_len, p_reservations);
    v_detail := v_reserved.wrong;
  end if;
  if v_detail is not null then
    return next ipam_pool_answer(case v_detail ->> 'reason' when 'Schema' then 'invalid' else 'out_of_bounds' end, v_pool, false, v_detail);
    return;
  end if;

  if v_parent.id is not null then
    insert into ipam_alloc (pool_id, cidr, purpose, state, owner, name)
      values (v_parent.id, v_pool.cidr, 'pool', 'held', p_owner, p_name) returning * into v_block;
    perform ipam_block_take(v_parent.id, v_find.found_len, v_find.found_addr, v_pool.cidr);
  end if;
  insert into ipam_pool (owner, name, parent_id, depth, family, cidr, min_len, max_len, strategy, visibility, labels, allow_overlap,
      cooldown_seconds, retention_seconds, spec_hash)
    values (v_pool.owner, v_pool.name, v_pool.parent_id, v_pool.depth, v_pool.family, v_pool.cidr, v_pool.min_len, v_pool.max_len,
      v_pool.strategy, v_pool.visibility, v_pool.labels, v_pool.allow_overlap, v_pool.cooldown_seconds, v_pool.retention_seconds,
      v_pool.spec_hash)
    returning * into v_pool;
  insert into ipam_free (pool_id, len, addr) values (v_pool.id, masklen(v_pool.cidr), ipam_first(v_pool.cidr));
  perform ipam_record_pool('pool-created', v_pool, p_actor, p_workflow_id,
    jsonb_strip_nulls(jsonb_build_object('parent', v_parent.owner || '/' || v_parent.name, 'min', v_pool.min_len, 'max', v_pool.max_len,
      'strategy', v_pool.strategy, 'visibility', v_pool.visibility)));
  perform ipam_reserve_blocks(v_pool, v_reserved.blocks, p_actor, p_workflow_id);
  return next ipam_pool_answer('created', v_pool, false, null);
end $$;

create function ipam_pool_settings(p_pool ipam_pool) returns jsonb language sql immutable
  return jsonb_build_object('minPrefixLength', p_pool.min_len, 'maxPrefixLength', p_pool.max_len, 'strategy', p_pool.strategy,
    'visibility', p_pool.visibility, 'cooldownSeconds', p_pool.cooldown_seconds, 'retentionSeconds', p_pool.retention_seconds,
    'labels', p_pool.labels);

create function ipam_pool_change(
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

create function ipam_pool_delete(
  p_owner text, p_name text, p_actor text, p_workflow_id text, out status text, out pool_id int, out cidr cidr, out parent_owner text,
  out parent_name text, out free_after timestamptz, out replayed boolean, out waiters text[], out detail jsonb
) language plpgsql security definer set search_path from current set enable_seqscan = off set jit = off as $$
#variable_conflict use_column
declare
  v_pool ipam_pool;
  v_parent ipam_pool;
  v_past ipam_event;
  v_counts record;
  v_cooling timestamptz;
begin
  perform ipam_require_read_committed();
  waiters := '{}';
  replayed := false;
  select * into v_pool from ipam_pool p where p.owner = p_owner and p.name = p_name;
  if found then
    if v_pool.parent_id is not null then perform pg_advisory_xact_lock(71001, v_pool.parent_id); end if;
    perform pg_advisory_xact_lock(71001, v_pool.id);
    select * into v_pool from ipam_pool p where p.id = v_pool.id;
  end if;
  if v_pool.id is null then
    select * into v_past from ipam_event e
      where e.kind = 'pool-deleted' and e.owner = p_owner and e.name = p_name and e.workflow_id = p_workflow_id order by e.id desc limit 1;
    if found then
      status := 'deleted';
      replayed := true;
      pool_id := v_past.pool_id;
      cidr := v_past.cidr;
      parent_owner := split_part(v_past.detail ->> 'parent', '/', 1);
      parent_name := split_part(v_past.detail ->> 'parent', '/', 2);
      free_after := (v_past.detail ->> 'freeAfter')::timestamptz;
    else
      status := 'not_found';
      detail := jsonb_build_object('reason', 'PoolNotFound', 'pool', jsonb_build_object('owner', p_owner, 'name', p_name));
    end if;
    return;
  end if;

  pool_id := v_pool.id;
  cidr := v_pool.cidr;
  select count(*) filter (where a.purpose = 'claim' and a.state = 'held') as claims, count(*) filter (where a.state = 'retained') as retained,
      (select count(*) from ipam_pool c where c.parent_id = v_pool.id) as children, max(a.free_after) as cooling
    into v_counts from ipam_alloc a where a.pool_id = v_pool.id;
  if v_counts.claims + v_counts.retained + v_counts.children > 0 then
    status := 'in_use';
    detail := jsonb_build_object('reason', 'PoolInUse', 'claims', v_counts.claims, 'retained', v_counts.retained, 'children', v_counts.children,
      'childNames', array(select c.name from ipam_pool c where c.parent_id = v_pool.id order by c.name collate "C" limit 10));
    return;
  end if;

  delete from ipam_waiter w where w.pool_id = v_pool.id;
  delete from ipam_alloc a where a.pool_id = v_pool.id;
  delete from ipam_free f where f.pool_id = v_pool.id;
  delete from ipam_pool p where p.id = v_pool.id;
  if v_pool.parent_id is not null then
    select * into v_parent from ipam_pool p where p.id = v_pool.parent_id;
    parent_owner := v_parent.owner;
    parent_name := v_parent.name;
    v_cooling := greatest(clock_timestamp() + make_interval(secs => v_parent.cooldown_seconds), v_counts.cooling);
    if v_cooling > clock_timestamp() then
      free_after := v_cooling;
      update ipam_alloc a set state = 'cooling', free_after = v_cooling
        where a.pool_id = v_parent.id and a.space_id = 0 and a.cidr && v_pool.cidr and a.purpose = 'pool' and a.state = 'held';
    else
      delete from ipam_alloc a
        where a.pool_id = v_parent.id and a.space_id = 0 and a.cidr && v_pool.cidr and a.purpose = 'pool' and a.state = 'held';
      perform ipam_block_give(v_parent.id, masklen(v_parent.cidr), v_pool.cidr);
      waiters := ipam_waiting(v_parent.id);
    end if;
  end if;
  perform ipam_record_pool('pool-deleted', v_pool, p_actor, p_workflow_id,
    jsonb_strip_nulls(jsonb_build_object('parent', v_parent.owner || '/' || v_parent.name, 'freeAfter', free_after)));
  status := 'deleted';
end $$;

create function ipam_reserve(
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

create function ipam_grant_set(
  p_owner text, p_name text, p_grantee text, p_granted boolean, p_actor text, p_workflow_id text, out status text, out pool_id int,
  out detail jsonb
) language plpgsql security definer set search_path from current set enable_seqscan = off set jit = off as $$
#variable_conflict use_column
declare
  v_pool ipam_pool;
begin
  perform ipam_require_read_committed();
  select * into v_pool from ipam_pool p where p.owner = p_owner and p.name = p_name for key share; -- it is not deleted meanwhile
  if not found then
    status := 'not_found';
    detail := jsonb_build_object('reason', 'PoolNotFound', 'pool', jsonb_build_object('owner', p_owner, 'name', p_name));
    return;
  end if;
  pool_id := v_pool.id;
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

drop function ipam_grant_set, ipam_reserve, ipam_pool_delete, ipam_pool_change, ipam_pool_settings, ipam_pool_create, ipam_record_pool,
  ipam_reserve_blocks, ipam_reserved_blocks, ipam_wrong_bounds, ipam_wrong_field, ipam_pool_answer;
drop type ipam_pool_row;
