-- Up Migration

-- The ends of claims: release by uid, leases, the sweep; and who waits for what they free.

select set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);

-- Up to 10 workflows that wait for this pool and may fit now, oldest first.
create function ipam_waiting(p_pool_id int) returns text[] language plpgsql stable as $$
begin
  return array(
    select workflow_id from ipam_waiter
      where pool_id = p_pool_id and until > clock_timestamp() and ipam_room(p_pool_id, len, blocks)
      order by since, workflow_id limit 10
  );
end $$;

create function ipam_release(
  p_uid uuid, p_owner text, p_mode text, p_actor text, p_workflow_id text, out status text, out claim_uid uuid, out owner text,
  out namespace text, out name text, out cidr cidr, out pool_id int, out pool_owner text, out pool_name text, out free_after timestamptz,
  out retained_at timestamptz, out waiters text[], out detail jsonb
) language plpgsql security definer set search_path from current set enable_seqscan = off set enable_bitmapscan = off set jit = off
  set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  v_block ipam_alloc;
  v_pool ipam_pool;
  v_life ipam_event;
  v_retain boolean;
begin
  perform ipam_require_read_committed();
  if p_mode not in ('Policy', 'Delete') then
    raise exception 'ipam_release: mode % is neither Policy nor Delete', p_mode using errcode = '22023';
  end if;
  claim_uid := p_uid;
  waiters := '{}';
  select * into v_block from ipam_alloc a where a.claim_uid = p_uid and a.owner = p_owner;
  if found then
    perform pg_advisory_xact_lock(71001, v_block.pool_id);
    select * into v_block from ipam_alloc a where a.claim_uid = p_uid and a.owner = p_owner for update;
  end if;
  if v_block.id is null then
    -- A uid that lived and is over frees nothing of whoever has the name now.
    select * into v_life from ipam_event e
      where e.claim_uid = p_uid and e.kind in ('claimed', 'rebound', 'imported') and e.owner = p_owner;
    if not found then
      status := 'unknown';
      detail := jsonb_build_object('reason', 'ClaimNotFound', 'uid', p_uid);
      return;
    end if;
    status := 'already';
    owner := v_life.owner;
    namespace := v_life.namespace;
    name := v_life.name;
    cidr := v_life.cidr;
    pool_id := v_life.pool_id;
    pool_owner := split_part(v_life.pool, '/', 1);
    pool_name := split_part(v_life.pool, '/', 2);
    waiters := ipam_waiting(pool_id); -- the call that freed it may have lost its answer before anybody was told
    return;
  end if;

  select * into v_pool from ipam_pool p where p.id = v_block.pool_id;
  v_retain := p_mode = 'Policy' and v_block.reclaim = 'Retain';
  if v_block.state = 'cooling' or v_block.state = 'retained' and v_retain then
    status := 'already';
  else
    status := case ipam_end_hold(v_block, v_pool, v_retain, false, case when v_retain then 'retained' else 'released' end,
        case v_block.state when 'retained' then 'purged' else 'requested' end, p_actor, p_workflow_id)
      when 'free' then 'released' when 'cooling' then 'cooling' else 'retained' end;
    if status = 'released' then
      waiters := ipam_waiting(v_pool.id);
    else
      select * into v_block from ipam_alloc a where a.id = v_block.id;
    end if;
  end if;
  owner := v_block.owner;
  namespace := v_block.namespace;
  name := v_block.name;
  cidr := v_block.cidr;
  pool_id := v_pool.id;
  pool_owner := v_pool.owner;
  pool_name := v_pool.name;
  free_after := v_block.free_after;
  retained_at := v_block.retained_at;
end $$;

-- Moves the end of a lease, only while it is not over. The row's lock suffices: whoever ends a lease looks again under it.
create function ipam_renew(
  p_uid uuid, p_owner text, p_ttl int, p_actor text, p_workflow_id text, out status text, out claim_uid uuid, out namespace text,
  out name text, out cidr cidr, out expires_at timestamptz, out detail jsonb
) language plpgsql security definer set search_path from current set enable_seqscan = off set enable_bitmapscan = off set jit = off
  set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  v_life ipam_event;
  v_block ipam_alloc;
  v_pool ipam_pool;
  v_ttl int;
begin
  perform ipam_require_read_committed();
  claim_uid := p_uid;
  select * into v_life from ipam_event e
    where e.claim_uid = p_uid and e.kind in ('claimed', 'rebound', 'imported') and e.owner = p_owner;
  if not found then
    status := 'unknown';
    detail := jsonb_build_object('reason', 'ClaimNotFound', 'uid', p_uid);
    return;
  end if;
  namespace := v_life.namespace;
  name := v_life.name;
  cidr := v_life.cidr;
  v_ttl := coalesce(p_ttl, (v_life.detail ->> 'ttl')::int);
  update ipam_alloc a set expires_at = clock_timestamp() + make_interval(secs => v_ttl)
    where a.claim_uid = p_uid and a.state = 'held' and a.expires_at > clock_timestamp()
    returning * into v_block;
  if found then
    status := 'renewed';
    expires_at := v_block.expires_at;
    select * into v_pool from ipam_pool p where p.id = v_block.pool_id;
    perform ipam_record('renewed', v_pool, v_block, p_actor, p_workflow_id, null, jsonb_build_object('ttl', v_ttl));
  elsif exists (select from ipam_alloc a where a.claim_uid = p_uid and a.state = 'held' and a.expires_at is null) then
    status := 'no_lease';
    detail := jsonb_build_object('reason', 'Schema', 'uid', p_uid);
  elsif v_life.detail ->> 'ttl' is not null then
    status := 'expired';
    detail := jsonb_build_object('reason', 'LeaseExpired', 'uid', p_uid);
  else
    status := 'unknown';
    detail := jsonb_build_object('reason', 'ClaimNotFound', 'uid', p_uid);
  end if;
end $$;

create function ipam_wait(p_pool_ids int[], p_workflow_id text, p_len smallint, p_blocks int, p_seconds numeric, out registered int)
  language plpgsql security definer set search_path from current as $$
begin
  perform ipam_require_read_committed();
  insert into ipam_waiter (pool_id, workflow_id, len, blocks, since, until)
    select distinct id, p_workflow_id, p_len, p_blocks, clock_timestamp(), clock_timestamp() + make_interval(secs => p_seconds)
      from unnest(p_pool_ids) id order by id
    on conflict (pool_id, workflow_id) do update set len = excluded.len, blocks = excluded.blocks, until = excluded.until;
  get diagnostics registered = row_count;
end $$;

create function ipam_unwait(p_workflow_id text, out removed int)
  language plpgsql security definer set search_path from current as $$
begin
  perform ipam_require_read_committed();
  delete from ipam_waiter where workflow_id = p_workflow_id;
  get diagnostics removed = row_count;
end $$;

-- What of a pool is due at `p_now`: `mark` and `end` are the two thresholds of retention.
create function ipam_due(p_pool ipam_pool, p_now timestamptz, p_limit int) returns setof bigint language plpgsql stable as $$
begin
  return query
    (select id from ipam_alloc where pool_id = p_pool.id and state = 'held' and expires_at <= p_now order by expires_at limit p_limit)
    union all
    (select id from ipam_alloc where pool_id = p_pool.id and state = 'cooling' and free_after <= p_now order by free_after limit p_limit)
    union all
    (select id from ipam_alloc
      where pool_id = p_pool.id and state = 'retained' and (
        retained_at <= p_now - make_interval(secs => p_pool.retention_seconds::float8 + least(86400, p_pool.retention_seconds))
        or expiring_at is null and retained_at <= p_now - make_interval(secs => p_pool.retention_seconds)
      )
      order by retained_at limit p_limit)
    limit p_limit;
end $$;

create function ipam_sweep_due(p_limit int) returns table (pool_id int, owner text, name text)
  language sql stable security definer set search_path from current set enable_seqscan = off set jit = off as $$
    select p.id, p.owner, p.name from ipam_pool p
      where exists (select from ipam_due(p, clock_timestamp(), 1)) order by p.id limit p_limit
  $$;

-- One pass over one pool, at most `p_limit` rows. Rows that a renewal or a claim of the same identity holds are left for the next.
create function ipam_sweep(
  p_pool_id int, p_limit int, p_actor text, p_workflow_id text, out candidates int, out expired int, out cooling_ended int,
  out marked int, out released int, out skipped_locked int, out waiters text[]
) language plpgsql security definer set search_path from current set enable_seqscan = off set enable_bitmapscan = off set jit = off
  set plan_cache_mode = force_generic_plan as $$
declare
  v_pool ipam_pool;
  v_block ipam_alloc;
  v_now timestamptz;
  v_id bigint;
begin
  perform ipam_require_read_committed();
  candidates := 0;
  expired := 0;
  cooling_ended := 0;
  marked := 0;
  released := 0;
  skipped_locked := 0;
  perform pg_advisory_xact_lock(71001, p_pool_id);
  select * into v_pool from ipam_pool where id = p_pool_id;
  v_now := clock_timestamp();
  for v_id in select * from ipam_due(v_pool, v_now, p_limit) loop
    candidates := candidates + 1;
    select * into v_block from ipam_alloc where id = v_id for update skip locked;
    if not found then
      skipped_locked := skipped_locked + 1;
    elsif v_block.state = 'held' then
      if v_block.expires_at <= v_now then -- it was not renewed before the lock
        expired := expired + 1;
        perform ipam_end_hold(v_block, v_pool, v_block.reclaim = 'Retain', false, 'expired', 'expired', p_actor, p_workflow_id);
      end if;
    elsif v_block.state = 'cooling' then
      cooling_ended := cooling_ended + 1;
      delete from ipam_alloc where id = v_id;
      perform ipam_block_give(v_pool.id, masklen(v_pool.cidr), v_block.cidr);
      perform ipam_record('cooling-ended', v_pool, v_block, p_actor, p_workflow_id, null, null);
    elsif v_block.retained_at <= v_now - make_interval(secs => v_pool.retention_seconds::float8 + least(86400, v_pool.retention_seconds)) then
      released := released + 1;
      perform ipam_end_hold(v_block, v_pool, false, false, 'released', 'retention', p_actor, p_workflow_id);
    else
      marked := marked + 1;
      update ipam_alloc set expiring_at = v_now where id = v_id;
      perform ipam_record('expiring', v_pool, v_block, p_actor, p_workflow_id, 'retention', null);
    end if;
  end loop;
  waiters := case when expired + cooling_ended + released > 0 then ipam_waiting(p_pool_id) else '{}' end;
end $$;

-- Drops waiters whose time is over and events older than they are kept (`p_event_days` null: for ever), at most 1000 a call.
create function ipam_housekeep(
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

-- Down Migration

drop function ipam_housekeep, ipam_sweep, ipam_sweep_due, ipam_due, ipam_unwait, ipam_wait, ipam_renew, ipam_release, ipam_waiting;
