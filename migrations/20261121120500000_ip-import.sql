-- Up Migration

-- Import of blocks that are in use already: the path of a specific address, row by row, under one lock.

select set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);

-- A version 7 UUID: milliseconds, then random bits.
create function ipam_uuid() returns uuid language sql volatile
  return encode(
    set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
      placing substring(int8send(floor(extract(epoch from clock_timestamp()) * 1000)::bigint) from 3) from 1 for 6), 52, 1), 53, 1),
    'hex')::uuid;

-- Null for a text that is not a block: with host bits, or no address at all.
create function ipam_read_cidr(p_text text) returns cidr language plpgsql immutable as $$
begin
  return p_text::cidr;
exception when invalid_text_representation then
  return null;
end $$;

create type ipam_import_row as (status text, line int, reason text, claim_uid uuid, cidr cidr, detail jsonb);

-- One row of an import into a locked pool: what becomes of it, done.
create function ipam_import_one(p_pool ipam_pool, p_row jsonb, p_actor text, p_workflow_id text) returns ipam_import_row
  language plpgsql as $$
declare
  v_answer ipam_import_row;
  v_owner text := coalesce(p_row ->> 'owner', p_pool.owner);
  v_ttl int := (p_row ->> 'ttlSeconds')::int;
  v_block ipam_alloc;
  v_find record;
  v_holder record;
begin
  v_answer.line := (p_row ->> 'line')::int;
  v_answer.cidr := ipam_read_cidr(p_row ->> 'cidr');
  v_answer.status := 'conflict';
  v_answer.reason := case
    when v_answer.cidr is null then 'Malformed'
    when family(v_answer.cidr) <> p_pool.family then 'FamilyMismatch'
    when not v_answer.cidr <<= p_pool.cidr then 'OutsidePool'
    when masklen(v_answer.cidr) not between p_pool.min_len and p_pool.max_len then 'OutOfBounds'
    when not ipam_may_use(p_pool, v_owner) then 'NotPermitted'
  end;
  if v_answer.reason is not null then return v_answer; end if;

  select * into v_block from ipam_alloc
    where owner = v_owner and namespace = p_row ->> 'namespace' and name = p_row ->> 'name' and purpose = 'claim' and state <> 'cooling';
  if found then
    if v_block.pool_id = p_pool.id and v_block.cidr = v_answer.cidr and v_block.state = 'held' then
      v_answer.status := 'unchanged';
      v_answer.claim_uid := v_block.claim_uid;
    else
      v_answer.reason := 'IdentityTaken';
      v_answer.detail := jsonb_build_object('held', v_block.cidr);
    end if;
    return v_answer;
  end if;

  select * into v_find from ipam_block_find(p_pool.id, masklen(p_pool.cidr), p_pool.strategy, masklen(v_answer.cidr), v_answer.cidr);
  if v_find.found_len is null then
    select * into v_holder from ipam_holder(p_pool, v_answer.cidr, p_pool.owner);
    v_answer.reason := coalesce(v_holder.detail ->> 'reason', 'Drift');
    v_answer.detail := v_holder.detail;
    return v_answer;
  end if;
  insert into ipam_alloc (pool_id, cidr, purpose, state, claim_uid, owner, namespace, name, request_hash, reclaim, expires_at)
    values (p_pool.id, v_answer.cidr, 'claim', 'held', ipam_uuid(), v_owner, p_row ->> 'namespace', p_row ->> 'name',
      decode(p_row ->> 'requestHash', 'hex'), coalesce(p_row ->> 'reclaimPolicy', 'Delete'),
      clock_timestamp() + make_interval(secs => v_ttl))
    on conflict (owner, namespace, name) where purpose = 'claim' and state <> 'cooling' do nothing
    returning * into v_block;
  if v_block.id is null then
    v_answer.reason := 'IdentityTaken';
    return v_answer;
  end if;
  perform ipam_block_take(p_pool.id, v_find.found_len, v_find.found_addr, v_answer.cidr);
  perform ipam_record('imported', p_pool, v_block, p_actor, p_workflow_id, null,
    case when v_ttl is not null then jsonb_build_object('ttl', v_ttl) end);
  v_answer.status := 'imported';
  v_answer.claim_uid := v_block.claim_uid;
  return v_answer;
end $$;

create function ipam_import_all(p_pool_id int, p_rows jsonb, p_actor text, p_workflow_id text) returns setof ipam_import_row
  language plpgsql as $$
declare
  v_pool ipam_pool;
  v_row jsonb;
begin
  perform pg_advisory_xact_lock(71001, p_pool_id);
  select * into v_pool from ipam_pool where id = p_pool_id;
  if not found then return; end if;
  for v_row in select r from jsonb_array_elements(p_rows) with ordinality as rows (r, n) order by n loop
    return next ipam_import_one(v_pool, v_row, p_actor, p_workflow_id);
  end loop;
end $$;

create function ipam_import(p_owner text, p_pool_name text, p_rows jsonb, p_atomic boolean, p_dry_run boolean, p_actor text, p_workflow_id text)
  returns setof ipam_import_row
  language plpgsql security definer set search_path from current set enable_seqscan = off set enable_bitmapscan = off set jit = off
  set plan_cache_mode = force_generic_plan as $$
declare
  v_pool_id int;
  v_answers ipam_import_row[];
  v_conflict boolean;
begin
  perform ipam_require_read_committed();
  select id into v_pool_id from ipam_pool where owner = p_owner and name = p_pool_name;
  if found then
    begin
      v_answers := array(select a from ipam_import_all(v_pool_id, p_rows, p_actor, p_workflow_id) a);
      v_conflict := exists (select from unnest(v_answers) where status = 'conflict');
      if p_dry_run or p_atomic and v_conflict then raise exception 'nothing is kept' using errcode = 'GW001'; end if;
    exception when sqlstate 'GW001' then
      null; -- rolled back; the answers survive
    end;
    return query select case when p_atomic and v_conflict and a.status = 'imported' then 'skipped' else a.status end, a.line, a.reason,
      case when p_dry_run or p_atomic and v_conflict and a.status = 'imported' then null else a.claim_uid end, a.cidr, a.detail
      from unnest(v_answers) a;
  end if;
  if coalesce(cardinality(v_answers), 0) = 0 and jsonb_array_length(p_rows) > 0 then
    return query select 'not_found', null::int, 'PoolNotFound', null::uuid, null::cidr,
      jsonb_build_object('reason', 'PoolNotFound', 'pool', jsonb_build_object('owner', p_owner, 'name', p_pool_name));
  end if;
end $$;

-- Down Migration

drop function ipam_import, ipam_import_all, ipam_import_one, ipam_read_cidr, ipam_uuid;
drop type ipam_import_row;
