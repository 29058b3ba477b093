-- Up Migration

-- Refusals of claims that would wait are recorded, too.

select set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);

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
