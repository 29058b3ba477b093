-- Up Migration

-- A dry run by selector goes on to the next pool where the end of a lease gives no room. The event that begins the life of a
-- member of a batch says how many were claimed together.

select set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);

drop function ipam_claim_steps;

-- The steps of a claim (specs: IP claims, section 3.1). The identities and the pool are looked at twice: once to answer repeats
-- and denials without the lock, once under it. `p_lapsing`: where a lease of the same identity is over, room is counted on.
create function ipam_claim_steps(
  p_uids uuid[], p_owner text, p_namespace text, p_names text[], p_pool_owner text, p_pool_name text, p_selector jsonb, p_family int,
  p_len int, p_wanted cidr, p_request_hash bytea, p_reclaim text, p_ttl int, p_lapsing boolean, p_actor text,
  p_workflow_id text
) returns ipam_claim_row[] language plpgsql as $$
declare
  v_count int := cardinality(p_names);
  v_locked int; -- the pool whose lock is held
  v_looks int := 0;
  v_pool ipam_pool;
  v_block ipam_alloc;
  v_rows ipam_alloc[];
  v_held text[];
  v_retained text[];
  v_missing text[];
  v_coming int[];
  v_differences jsonb;
  v_choice record;
  v_find record;
  v_expires timestamptz;
  v_detail jsonb;
  v_answers ipam_claim_row[] := '{}';
begin
  loop
    v_rows := '{}';
    v_held := '{}';
    v_retained := '{}';
    v_missing := '{}';
    v_coming := '{}';
    for v_index in 1..v_count loop
      -- Scalar equality on all three: anything looser reads every claim of the namespace while statistics are missing.
      select * into v_block from ipam_alloc
        where owner = p_owner and namespace = p_namespace and name = p_names[v_index] and purpose = 'claim' and state <> 'cooling';
      if v_block.state = 'held' and v_block.expires_at <= clock_timestamp() then
        if v_locked is not null then
          perform ipam_lapse(v_block.id, v_locked, p_actor, p_workflow_id);
          select * into v_block from ipam_alloc
            where owner = p_owner and namespace = p_namespace and name = p_names[v_index] and purpose = 'claim' and state <> 'cooling';
        elsif v_block.reclaim = 'Retain' then
          v_block.state := 'retained'; -- it will be
        else
          if p_lapsing then v_coming := v_coming || v_block.pool_id; end if;
          v_block := null;
        end if;
      end if;
      if v_block.id is null then
        v_missing := v_missing || p_names[v_index];
      elsif v_block.state = 'retained' then
        v_retained := v_retained || v_block.name;
      elsif v_block.request_hash is distinct from p_request_hash then
        return array[ipam_claim_refusal('conflict', jsonb_build_object('reason', 'SpecDiffers', 'name', v_block.name,
          'heldUid', v_block.claim_uid, 'heldHash', encode(v_block.request_hash, 'hex')))];
        
      else
        v_held := v_held || v_block.name;
      end if;
      v_rows := v_rows || v_block;
    end loop;

    if v_count not in (cardinality(v_held), cardinality(v_retained), cardinality(v_missing)) then
      -- The members were looked up one after the other: another call for the batch may have committed in between.
      v_looks := v_looks + 1;
      continue when v_looks < 3;
      return array[ipam_claim_refusal('conflict', jsonb_build_object('reason', 'PartialBatch', 'held', to_jsonb(v_held),
        'retained', to_jsonb(v_retained), 'missing', to_jsonb(v_missing)))];
      
    end if;

    if cardinality(v_held) = v_count then
      for v_index in 1..v_count loop
        select * into v_pool from ipam_pool where id = v_rows[v_index].pool_id;
        -- The first answer again: a life that began as a re-bind is told as one each time.
        v_answers := v_answers || ipam_bound(v_rows[v_index], v_pool, v_index - 1, v_rows[v_index].claim_uid <> all (p_uids),
          exists (select from ipam_event where claim_uid = v_rows[v_index].claim_uid and kind = 'rebound'));
      end loop;
      return v_answers;
    end if;

    if cardinality(v_retained) = v_count then
      select * into v_pool from ipam_pool where id = v_rows[1].pool_id;
      for v_index in 1..v_count loop
        v_differences := ipam_retained_differences(v_rows[v_index], p_owner, p_pool_owner, p_pool_name, p_selector, p_family, p_len, p_wanted);
        if v_rows[v_index].pool_id <> v_pool.id then
          v_differences := v_differences || jsonb_build_object('field', 'poolSelector', 'retained', 'several pools', 'requested', 'one pool');
        end if;
        if v_differences <> '[]' then
          return array[ipam_claim_refusal('conflict', jsonb_build_object('reason', 'RetainedMismatch', 'name', p_names[v_index],
            'fields', v_differences))];
          
        end if;
      end loop;
      if not ipam_may_use(v_pool, p_owner) then
        return array[ipam_claim_refusal('forbidden', jsonb_build_object('reason', 'NotPermitted', 'pool', ipam_pool_ref(v_pool)))];
        
      end if;
    else
      if v_locked is not null and v_count = 1 then v_coming := array[v_locked]; end if; -- looked for below
      v_choice := ipam_claim_pool(p_owner, p_pool_owner, p_pool_name, p_selector, p_family, p_len, p_wanted, v_count, v_locked, v_coming);
      if v_choice.status is not null then
        if v_locked is not null and p_selector is not null then
          return array[ipam_claim_refusal('moved', '{}')]; -- another candidate may have room, and this transaction has its one lock
        end if;
        return array[ipam_claim_refusal(v_choice.status, v_choice.detail)];
      end if;
      v_pool := v_choice.pool;
    end if;

    exit when v_locked = v_pool.id;
    if v_locked is not null then
      return array[ipam_claim_refusal('moved', '{}')];
      
    end if;
    v_locked := v_pool.id;
    perform pg_advisory_xact_lock(71001, v_locked);
  end loop;

  for v_index in 1..v_count loop
    if exists (select from ipam_event where claim_uid = p_uids[v_index] and kind in ('claimed', 'rebound', 'imported')) then
      return array[ipam_claim_refusal('stale', jsonb_build_object('reason', 'StaleRequest', 'uid', p_uids[v_index]))];
      
    end if;
  end loop;

  v_expires := clock_timestamp() + make_interval(secs => p_ttl);
  v_detail := nullif(jsonb_strip_nulls(jsonb_build_object('ttl', p_ttl, 'count', nullif(v_count, 1))), '{}');
  for v_index in 1..v_count loop
    if cardinality(v_retained) = v_count then
      update ipam_alloc
        set state = 'held', claim_uid = p_uids[v_index], request_hash = p_request_hash, reclaim = p_reclaim, expires_at = v_expires,
          retained_at = null, expiring_at = null
        where id = v_rows[v_index].id and state = 'retained'
        returning * into v_block;
    else
      v_find := ipam_block_find(v_pool.id, masklen(v_pool.cidr), v_pool.strategy, p_len, p_wanted);
      if v_find.found_len is null then
        v_choice := ipam_pool_denies(v_pool, p_owner, p_len, p_wanted, v_count, false);
        if v_choice.status is not null and v_index = 1 then
          return array[ipam_claim_refusal(case when p_selector is null then v_choice.status else 'moved' end, v_choice.detail)];
        end if;
        return array[ipam_claim_refusal('drift', jsonb_build_object('reason', 'Drift', 'pool', ipam_pool_ref(v_pool)))];
        
      end if;
      insert into ipam_alloc (pool_id, cidr, purpose, state, claim_uid, owner, namespace, name, request_hash, reclaim, expires_at)
        values (v_pool.id, coalesce(p_wanted, network(set_masklen(v_find.found_addr, p_len))), 'claim', 'held', p_uids[v_index], p_owner,
          p_namespace, p_names[v_index], p_request_hash, p_reclaim, v_expires)
        on conflict (owner, namespace, name) where purpose = 'claim' and state <> 'cooling' do nothing
        returning * into v_block;
      if v_block.id is null then -- a claim of this identity in another pool was faster
        if v_index > 1 then raise exception 'batch overtaken' using errcode = 'GW002'; end if;
        return array[ipam_claim_refusal('moved', '{}')];
        
      end if;
      perform ipam_block_take(v_pool.id, v_find.found_len, v_find.found_addr, v_block.cidr);
    end if;
    perform ipam_record(case when cardinality(v_retained) = v_count then 'rebound' else 'claimed' end, v_pool, v_block, p_actor,
      p_workflow_id, null, v_detail);
    v_answers := v_answers || ipam_bound(v_block, v_pool, v_index - 1, false, cardinality(v_retained) = v_count);
  end loop;
  return v_answers;
end $$;

revoke execute on function ipam_claim_steps from public;

-- `p_record_refusal`: that the pool is full is the last word as well.
create or replace function ipam_claim(
  p_uids uuid[], p_owner text, p_namespace text, p_names text[], p_pool_owner text, p_pool_name text, p_selector jsonb, p_family smallint,
  p_len smallint, p_wanted cidr, p_request_hash bytea, p_reclaim text, p_ttl int, p_dry_run boolean, p_record_refusal boolean,
  p_actor text, p_workflow_id text
) returns setof ipam_claim_row
  language plpgsql security definer set search_path from current set enable_seqscan = off set enable_bitmapscan = off set jit = off
  set plan_cache_mode = force_generic_plan as $$
declare
  v_len int := coalesce(p_len, masklen(p_wanted));
  v_answer ipam_claim_row[];
  v_row ipam_claim_row;
  v_lapsing boolean;
begin
  perform ipam_require_read_committed();
  if (p_pool_name is null) = (p_selector is null) or v_len is null or cardinality(p_uids) <> cardinality(p_names)
      or cardinality(p_names) not between 1 and 256 or p_wanted is not null and (cardinality(p_names) > 1 or masklen(p_wanted) <> v_len) then
    raise exception 'ipam_claim: contradictory arguments' using errcode = '22023';
  end if;
  if p_dry_run or cardinality(p_names) > 1 then
    -- A dry run keeps the end of no lease: where the room of one was counted on in vain, it looks again without.
    foreach v_lapsing in array array[true, false] loop
      -- All or nothing: what the steps did is rolled back, the lock included; the answer survives.
      begin
        v_answer := ipam_claim_steps(p_uids, p_owner, p_namespace, p_names, p_pool_owner, p_pool_name, p_selector, p_family, v_len,
          p_wanted, p_request_hash, p_reclaim, p_ttl, v_lapsing, p_actor, p_workflow_id);
        if p_dry_run then raise exception 'dry run' using errcode = 'GW001'; end if;
        if v_answer[1].status = 'drift' then raise exception 'drift' using errcode = 'GW001'; end if;
      exception
        when sqlstate 'GW001' then null;
        when sqlstate 'GW002' then v_answer := array[ipam_claim_refusal('moved', '{}')];
      end;
      exit when not p_dry_run or v_answer[1].status <> 'moved';
    end loop;
  else
    v_answer := ipam_claim_steps(p_uids, p_owner, p_namespace, p_names, p_pool_owner, p_pool_name, p_selector, p_family, v_len,
      p_wanted, p_request_hash, p_reclaim, p_ttl, true, p_actor, p_workflow_id);
  end if;

  -- A full pool may be waited for; every other refusal is final.
  if (p_record_refusal or v_answer[1].status <> 'exhausted') and not p_dry_run and v_answer[1].status not in ('bound', 'moved') then
    perform set_config('synchronous_commit', 'off', true);
    insert into ipam_event (kind, pool, claim_uid, owner, namespace, name, cidr, actor, workflow_id, reason, detail)
      values ('refused', coalesce(p_pool_owner, p_owner) || '/' || p_pool_name, p_uids[1], p_owner, p_namespace, p_names[1], p_wanted,
        p_actor, p_workflow_id, v_answer[1].detail ->> 'reason', v_answer[1].detail);
  end if;
  foreach v_row in array v_answer loop
    return next v_row;
  end loop;
end $$;

-- Down Migration

-- The version before took the same arguments and gave the same answers: nothing has to be taken back.
