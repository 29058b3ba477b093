-- Up Migration

-- Rows whose answer was lost are not imported again, and a claim whose lease is over is not there any more. `p_workflow_id` is
-- `<workflowId>@<firstExecutionRunId>`.

select set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);

create index ipam_event_imported on ipam_event (workflow_id, owner, namespace, name) where kind = 'imported';

-- One row of an import into a locked pool: what becomes of it, done.
create or replace function ipam_import_one(p_pool ipam_pool, p_row jsonb, p_actor text, p_workflow_id text) returns ipam_import_row
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
  if v_block.state = 'held' and v_block.expires_at <= clock_timestamp() then
    perform ipam_lapse(v_block.id, p_pool.id, p_actor, p_workflow_id);
    select * into v_block from ipam_alloc
      where owner = v_owner and namespace = p_row ->> 'namespace' and name = p_row ->> 'name' and purpose = 'claim' and state <> 'cooling';
  end if;
  if v_block.id is not null then
    if v_block.pool_id = p_pool.id and v_block.cidr = v_answer.cidr and v_block.state = 'held' then
      v_answer.status := 'unchanged';
      v_answer.claim_uid := v_block.claim_uid;
    else
      v_answer.reason := 'IdentityTaken';
      v_answer.detail := jsonb_build_object('held', v_block.cidr);
    end if;
    return v_answer;
  end if;
  -- What this run imported before its answer was lost, and its owner has released since. `@`: workers of the version before name
  -- no run.
  select claim_uid into v_answer.claim_uid from ipam_event
    where kind = 'imported' and workflow_id = p_workflow_id and p_workflow_id like '%@%' and owner = v_owner
      and namespace = p_row ->> 'namespace' and name = p_row ->> 'name';
  if found then
    v_answer.status := 'unchanged';
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

-- Down Migration

-- The version before took the same arguments and gave the same answers: nothing but the index has to be taken back.
drop index ipam_event_imported;
