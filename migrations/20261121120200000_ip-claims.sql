-- Up Migration

-- Claims: one call decides and records. Refusals are values. What a function changes it changes under the lock of one pool, taken
-- as a statement of its own, so that the statements after it see what the lock's last holder committed.
-- The planner is told to use indexes whatever it believes: a plan made while a table was small would otherwise stay.

select set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);

create type ipam_claim_row as (
  status text, member int, claim_uid uuid, name text, cidr cidr, family smallint, len smallint, pool_id int, pool_owner text,
  pool_name text, reclaim text, expires_at timestamptz, created_at timestamptz, replayed boolean, rebound boolean,
  request_hash bytea, detail jsonb
);

-- Every writing function begins with this: under another level the statements after a lock would read a stale snapshot.
create function ipam_require_read_committed() returns void language plpgsql stable as $$
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'the IP functions need the isolation level read committed' using errcode = '0A000';
  end if;
end $$;

create function ipam_pool_ref(p_pool ipam_pool) returns jsonb language sql immutable parallel safe
  return jsonb_build_object('owner', p_pool.owner, 'name', p_pool.name);

create function ipam_family_name(p_family int) returns text language sql immutable parallel safe
  return case p_family when 4 then 'IPv4' else 'IPv6' end;

-- Ownership is the pool row's; a grant counts while the pool is shared.
create function ipam_may_use(p_pool ipam_pool, p_owner text) returns boolean language plpgsql stable as $$
begin
  return p_pool.owner = p_owner or (
    p_pool.visibility = 'shared' and exists (select from ipam_grant where pool_id = p_pool.id and grantee = p_owner)
  );
end $$;

-- Whether labels satisfy one match expression, as Kubernetes means it (`NotIn` matches an absent key).
create function ipam_expression_holds(p_labels jsonb, p_expression jsonb) returns boolean language sql immutable parallel safe
  return case p_expression ->> 'operator'
    when 'In' then p_expression -> 'values' ? (p_labels ->> (p_expression ->> 'key'))
    when 'NotIn' then not p_labels ? (p_expression ->> 'key') or not p_expression -> 'values' ? (p_labels ->> (p_expression ->> 'key'))
    when 'Exists' then p_labels ? (p_expression ->> 'key')
    when 'DoesNotExist' then not p_labels ? (p_expression ->> 'key')
  end;

-- The pools that a selector means for `p_owner`, in the order in which they are tried: by name, or by free share, most free
-- first, when every one of them is LeastUtilized. `p_only` restricts them to one pool.
create function ipam_candidates(p_owner text, p_pool_owner text, p_selector jsonb, p_family int, p_only int) returns setof ipam_pool
  language plpgsql stable as $$
begin
  return query
    with matching as (
      select p as pool, bool_and(p.strategy = 'LeastUtilized') over () as by_share
        from ipam_pool p
        where p.owner = coalesce(p_pool_owner, p_owner) and p.family = p_family and p.visibility <> 'platform'
          and p.labels @> coalesce(p_selector -> 'matchLabels', '{}')
          and not exists (
            select from jsonb_array_elements(coalesce(p_selector -> 'matchExpressions', '[]')) expression
              where ipam_expression_holds(p.labels, expression) is not true
          )
          and ipam_may_use(p, p_owner)
          and (p_only is null or p.id = p_only)
    )
    select (pool).* from matching
      order by
        case when by_share then (
          select coalesce(sum(power(2::float8, masklen((pool).cidr) - len)), 0) from ipam_free where pool_id = (pool).id and space_id = 0
        ) end desc nulls first,
        (pool).name collate "C";
end $$;

-- Who holds a part of `p_block`: an answer to the pool's owner, a bare fact to others. `taken` is null when it is free.
create function ipam_holder(p_pool ipam_pool, p_block cidr, p_asker text, out taken text, out detail jsonb) language plpgsql stable as $$
declare
  v_row ipam_alloc;
begin
  select * into v_row from ipam_alloc
    where pool_id = p_pool.id and space_id = 0 and cidr && p_block
    order by purpose = 'reservation', ipam_first(cidr) limit 1;
  if not found then return; end if;
  taken := case v_row.purpose when 'reservation' then 'address_reserved' else 'address_taken' end;
  detail := jsonb_build_object(
    'reason', case v_row.purpose when 'reservation' then 'AddressReserved' else 'AddressTaken' end,
    'requested', p_block, 'pool', ipam_pool_ref(p_pool)
  );
  if p_pool.owner = p_asker then
    detail := detail || jsonb_build_object('holder', jsonb_strip_nulls(jsonb_build_object(
      'owner', v_row.owner, 'namespace', v_row.namespace, 'name', v_row.name, 'cidr', v_row.cidr, 'state', v_row.state,
      'purpose', v_row.purpose
    )));
  end if;
end $$;

-- One pool against what is asked of it; `status` null when it allows that and has room. Exact without the lock, because
-- coalescing is eager and an uncommitted release is not yet free. With `p_coming` room is taken for granted.
create function ipam_pool_denies(
  p_pool ipam_pool, p_asker text, p_len int, p_wanted cidr, p_blocks int, p_coming boolean, out status text, out detail jsonb
) language plpgsql stable as $$
begin
  if p_len not between p_pool.min_len and p_pool.max_len then
    status := 'out_of_bounds';
    detail := jsonb_build_object('reason', 'PrefixLength', 'requested', p_len, 'min', p_pool.min_len, 'max', p_pool.max_len,
      'pool', ipam_pool_ref(p_pool));
  elsif p_wanted is not null and not p_wanted <<= p_pool.cidr then
    status := 'out_of_bounds';
    detail := jsonb_build_object('reason', 'OutsidePool', 'requested', p_wanted, 'range', p_pool.cidr, 'pool', ipam_pool_ref(p_pool));
  elsif p_coming then
    return;
  elsif p_wanted is not null then
    if (ipam_block_find(p_pool.id, masklen(p_pool.cidr), p_pool.strategy, p_len, p_wanted)).found_len is null then
      select * into status, detail from ipam_holder(p_pool, p_wanted, p_asker);
    end if;
  elsif not ipam_room(p_pool.id, p_len, p_blocks) then
    status := 'exhausted';
    detail := jsonb_build_object('reason', 'NoFreeBlock', 'wanted', p_len, 'count', p_blocks, 'largestFree', ipam_largest_free(p_pool.id),
      'pools', jsonb_build_array(ipam_pool_ref(p_pool) || jsonb_build_object('id', p_pool.id, 'largestFree', ipam_largest_free(p_pool.id))));
  end if;
end $$;

-- The pool that a claim goes to; `status` is null when there is one. `p_only` is the pool that is locked, and null before.
-- In the pools of `p_coming` a lease of the same identity is over, so they may have room once they are locked.
create function ipam_claim_pool(
  p_owner text, p_pool_owner text, p_pool_name text, p_selector jsonb, p_family int, p_len int, p_wanted cidr, p_blocks int,
  p_only int, p_coming int[], out status text, out detail jsonb, out pool ipam_pool
) language plpgsql stable as $$
declare
  v_candidate ipam_pool;
  v_denial record;
  v_best record;
  v_ranges jsonb := '[]';
  v_full jsonb := '[]';
  v_rank int;
  v_best_rank int := 0;
begin
  if p_pool_name is not null then
    select * into pool from ipam_pool p where p.owner = coalesce(p_pool_owner, p_owner) and p.name = p_pool_name;
    if coalesce(p_pool_owner, p_owner) = p_owner then
      if pool.id is null then
        status := 'not_found';
        detail := jsonb_build_object('reason', 'PoolNotFound', 'pool', jsonb_build_object('owner', p_owner, 'name', p_pool_name));
        return;
      end if;
    elsif pool.id is null or not ipam_may_use(pool, p_owner) then
      status := 'forbidden';
      detail := jsonb_build_object('reason', 'NotPermitted', 'pool', jsonb_build_object('owner', p_pool_owner, 'name', p_pool_name));
      return;
    end if;
    if pool.family <> p_family then
      status := 'family_mismatch';
      detail := jsonb_build_object('reason', 'FamilyMismatch', 'requested', ipam_family_name(p_family),
        'actual', ipam_family_name(pool.family), 'pool', ipam_pool_ref(pool));
      return;
    end if;
    v_denial := ipam_pool_denies(pool, p_owner, p_len, p_wanted, p_blocks, pool.id = any (p_coming));
    status := v_denial.status;
    detail := v_denial.detail;
    return;
  end if;

  for v_candidate in select * from ipam_candidates(p_owner, p_pool_owner, p_selector, p_family, p_only) loop
    v_denial := ipam_pool_denies(v_candidate, p_owner, p_len, p_wanted, p_blocks, v_candidate.id = any (p_coming));
    if v_denial.status is null then
      pool := v_candidate;
      return;
    end if;
    -- The nearest miss tells most: a full pool before one that does not allow the request at all.
    v_rank := case v_denial.status when 'out_of_bounds' then 1 else 2 end;
    if v_rank > v_best_rank then
      v_best := v_denial;
      v_best_rank := v_rank;
    end if;
    v_ranges := v_ranges || jsonb_build_array(ipam_pool_ref(v_candidate)
      || jsonb_build_object('min', v_candidate.min_len, 'max', v_candidate.max_len, 'range', v_candidate.cidr));
    if v_denial.status = 'exhausted' then v_full := v_full || (v_denial.detail -> 'pools'); end if;
  end loop;
  if v_best_rank = 0 then
    status := 'no_pool_match';
    detail := jsonb_build_object('reason', 'NoPoolMatch', 'owner', coalesce(p_pool_owner, p_owner));
    return;
  end if;
  status := v_best.status;
  detail := v_best.detail;
  if status = 'out_of_bounds' then
    detail := detail || jsonb_build_object('ranges', v_ranges);
  elsif status = 'exhausted' then
    detail := detail || jsonb_build_object('pools', v_full,
      'largestFree', (select min((f ->> 'largestFree')::int) from jsonb_array_elements(v_full) f));
  end if;
end $$;

create function ipam_record(
  p_kind text, p_pool ipam_pool, p_block ipam_alloc, p_actor text, p_workflow_id text, p_reason text, p_detail jsonb
) returns void language plpgsql as $$
begin
  insert into ipam_event (kind, pool_id, pool, claim_uid, owner, namespace, name, cidr, actor, workflow_id, reason, detail)
    values (p_kind, p_pool.id, p_pool.owner || '/' || p_pool.name, p_block.claim_uid, p_block.owner, p_block.namespace, p_block.name,
      p_block.cidr, p_actor, p_workflow_id, p_reason, p_detail);
end $$;

-- Ends the hold on a block whose row the caller has locked, under the lock of its pool: retained, cooling, or free at once.
-- Answers which. `p_later`: the pool is not locked, so the block waits as cooling for the sweep even without a cool-down.
create function ipam_end_hold(
  p_block ipam_alloc, p_pool ipam_pool, p_retain boolean, p_later boolean, p_kind text, p_reason text, p_actor text, p_workflow_id text
) returns text language plpgsql as $$
declare
  v_state text := case when p_retain then 'retained' when p_later or p_pool.cooldown_seconds > 0 then 'cooling' else 'free' end;
begin
  if v_state = 'retained' then
    update ipam_alloc set state = 'retained', retained_at = clock_timestamp(), expires_at = null where id = p_block.id;
  elsif v_state = 'cooling' then
    update ipam_alloc
      set state = 'cooling', free_after = clock_timestamp() + make_interval(secs => p_pool.cooldown_seconds), expires_at = null
      where id = p_block.id;
  else
    delete from ipam_alloc where id = p_block.id;
    perform ipam_block_give(p_pool.id, masklen(p_pool.cidr), p_block.cidr);
  end if;
  perform ipam_record(p_kind, p_pool, p_block, p_actor, p_workflow_id, p_reason, jsonb_build_object('state', v_state));
  return v_state;
end $$;

-- Releases the claim behind a row whose lease is over, unless it was renewed meanwhile. `p_locked` is the pool that is locked;
-- a row of another pool changes under its row lock only.
create function ipam_lapse(p_id bigint, p_locked int, p_actor text, p_workflow_id text) returns void language plpgsql as $$
declare
  v_block ipam_alloc;
  v_pool ipam_pool;
begin
  select * into v_block from ipam_alloc where id = p_id and state = 'held' and expires_at <= clock_timestamp() for update;
  if not found then return; end if;
  select * into v_pool from ipam_pool where id = v_block.pool_id;
  perform ipam_end_hold(v_block, v_pool, v_block.reclaim = 'Retain', v_block.pool_id <> p_locked, 'expired', 'expired', p_actor, p_workflow_id);
end $$;

-- In which fields a claim differs from the block retained for its identity; an empty array when it may have it back.
create function ipam_retained_differences(
  p_block ipam_alloc, p_owner text, p_pool_owner text, p_pool_name text, p_selector jsonb, p_family int, p_len int, p_wanted cidr
) returns jsonb language plpgsql stable as $$
declare
  v_pool ipam_pool;
  v_fields jsonb := '[]';
begin
  select * into v_pool from ipam_pool where id = p_block.pool_id;
  if family(p_block.cidr) <> p_family then
    v_fields := v_fields || jsonb_build_object('field', 'ipFamily', 'retained', ipam_family_name(family(p_block.cidr)),
      'requested', ipam_family_name(p_family));
  end if;
  if masklen(p_block.cidr) <> p_len then
    v_fields := v_fields || jsonb_build_object('field', 'prefixLength', 'retained', masklen(p_block.cidr), 'requested', p_len);
  end if;
  if p_pool_name is not null and (coalesce(p_pool_owner, p_owner), p_pool_name) <> (v_pool.owner, v_pool.name) then
    v_fields := v_fields || jsonb_build_object('field', 'poolRef', 'retained', ipam_pool_ref(v_pool),
      'requested', jsonb_build_object('owner', coalesce(p_pool_owner, p_owner), 'name', p_pool_name));
  elsif p_selector is not null and not exists (
    select from ipam_candidates(p_owner, p_pool_owner, p_selector, v_pool.family, v_pool.id)
  ) then
    v_fields := v_fields || jsonb_build_object('field', 'poolSelector', 'retained', ipam_pool_ref(v_pool), 'requested', p_selector);
  end if;
  if p_wanted <> p_block.cidr then
    v_fields := v_fields || jsonb_build_object('field', 'requestedCIDR', 'retained', p_block.cidr, 'requested', p_wanted);
  end if;
  return v_fields;
end $$;

create function ipam_bound(p_block ipam_alloc, p_pool ipam_pool, p_member int, p_replayed boolean, p_rebound boolean) returns ipam_claim_row
  language sql immutable
  return row('bound', p_member, p_block.claim_uid, p_block.name, p_block.cidr, p_pool.family, masklen(p_block.cidr)::smallint, p_pool.id,
    p_pool.owner, p_pool.name, p_block.reclaim, p_block.expires_at, p_block.created_at, p_replayed, p_rebound, p_block.request_hash,
    null)::ipam_claim_row;

create function ipam_claim_refusal(p_status text, p_detail jsonb) returns ipam_claim_row language plpgsql immutable as $$
declare
  v_row ipam_claim_row;
begin
  v_row.status := p_status;
  v_row.detail := p_detail;
  return v_row;
end $$;

-- The steps of a claim (specs: IP claims, section 3.1). The identities and the pool are looked at twice: once to answer repeats
-- and denials without the lock, once under it.
create function ipam_claim_steps(
  p_uids uuid[], p_owner text, p_namespace text, p_names text[], p_pool_owner text, p_pool_name text, p_selector jsonb, p_family int,
  p_len int, p_wanted cidr, p_request_hash bytea, p_reclaim text, p_ttl int, p_actor text, p_workflow_id text
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
          v_coming := v_coming || v_block.pool_id;
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
      p_workflow_id, null, case when p_ttl is not null then jsonb_build_object('ttl', p_ttl) end);
    v_answers := v_answers || ipam_bound(v_block, v_pool, v_index - 1, false, cardinality(v_retained) = v_count);
  end loop;
  return v_answers;
end $$;

create function ipam_claim(
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
begin
  perform ipam_require_read_committed();
  if (p_pool_name is null) = (p_selector is null) or v_len is null or cardinality(p_uids) <> cardinality(p_names)
      or cardinality(p_names) not between 1 and 256 or p_wanted is not null and (cardinality(p_names) > 1 or masklen(p_wanted) <> v_len) then
    raise exception 'ipam_claim: contradictory arguments' using errcode = '22023';
  end if;
  if p_dry_run or cardinality(p_names) > 1 then
    -- All or nothing: what the steps did is rolled back, the lock included; the answer survives.
    begin
      v_answer := ipam_claim_steps(p_uids, p_owner, p_namespace, p_names, p_pool_owner, p_pool_name, p_selector, p_family, v_len,
        p_wanted, p_request_hash, p_reclaim, p_ttl, p_actor, p_workflow_id);
      if p_dry_run then raise exception 'dry run' using errcode = 'GW001'; end if;
      if v_answer[1].status = 'drift' then raise exception 'drift' using errcode = 'GW001'; end if;
    exception
      when sqlstate 'GW001' then null;
      when sqlstate 'GW002' then v_answer := array[ipam_claim_refusal('moved', '{}')];
    end;
  else
    v_answer := ipam_claim_steps(p_uids, p_owner, p_namespace, p_names, p_pool_owner, p_pool_name, p_selector, p_family, v_len,
      p_wanted, p_request_hash, p_reclaim, p_ttl, p_actor, p_workflow_id);
  end if;

  if p_record_refusal and not p_dry_run and v_answer[1].status not in ('bound', 'moved') then
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

drop function ipam_claim, ipam_claim_steps, ipam_claim_refusal, ipam_bound, ipam_retained_differences, ipam_lapse, ipam_end_hold, ipam_record,
  ipam_claim_pool, ipam_pool_denies, ipam_holder, ipam_candidates, ipam_expression_holds, ipam_may_use, ipam_family_name, ipam_pool_ref,
  ipam_require_read_committed;
drop type ipam_claim_row;
