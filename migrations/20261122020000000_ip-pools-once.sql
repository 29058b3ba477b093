-- Up Migration

-- A creation or deletion of a pool that lost its answer, or comes late, finds what its run did and does nothing to a later pool of
-- that name. `p_workflow_id` is `<workflowId>@<firstExecutionRunId>`.

select set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);

create index ipam_event_pool_created on ipam_event (owner, name) where kind = 'pool-created';

create or replace function ipam_pool_create(
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
  -- A late attempt of a creation whose pool has been deleted since makes no other. `@`: workers of the version before name no run.
  if p_workflow_id like '%@%' and exists (
    select from ipam_event where kind = 'pool-created' and owner = p_owner and name = p_name and workflow_id = p_workflow_id
  ) then
    return next ipam_pool_answer('gone', v_pool, false, jsonb_build_object('reason', 'PoolNotFound'));
    return;
  end if;

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

create or replace function ipam_pool_delete(
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
  -- What this run did already it does not do again: a pool that has the name now is another. Looked for after the locks, so that an
  -- attempt that was under way at the same time is seen.
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
    return;
  end if;
  if v_pool.id is null then
    status := 'not_found';
    detail := jsonb_build_object('reason', 'PoolNotFound', 'pool', jsonb_build_object('owner', p_owner, 'name', p_name));
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

-- Down Migration

-- The versions before took the same arguments and gave the same answers: nothing but the index has to be taken back.
drop index ipam_event_pool_created;
