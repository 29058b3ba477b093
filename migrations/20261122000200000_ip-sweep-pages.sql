-- Up Migration

-- The sweep reads the pools with something due page by page, so that none waits behind a page of busy ones. Workers of the
-- version before ask for the first page only.

select set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);

drop function ipam_sweep_due(int);

create function ipam_sweep_due(p_limit int, p_after int default 0) returns table (pool_id int, owner text, name text)
  language sql stable security definer set search_path from current set enable_seqscan = off set jit = off as $$
    select p.id, p.owner, p.name from ipam_pool p
      where p.id > p_after and exists (select from ipam_due(p, clock_timestamp(), 1)) order by p.id limit p_limit
  $$;

do $$
begin
  revoke execute on function ipam_sweep_due from public;
  if exists (select from pg_roles where rolname = 'groundwork_worker') then
    grant execute on function ipam_sweep_due to groundwork_worker;
  end if;
end $$;

-- Down Migration

select set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);

drop function ipam_sweep_due(int, int);

create function ipam_sweep_due(p_limit int) returns table (pool_id int, owner text, name text)
  language sql stable security definer set search_path from current set enable_seqscan = off set jit = off as $$
    select p.id, p.owner, p.name from ipam_pool p
      where exists (select from ipam_due(p, clock_timestamp(), 1)) order by p.id limit p_limit
  $$;

do $$
begin
  revoke execute on function ipam_sweep_due from public;
  if exists (select from pg_roles where rolname = 'groundwork_worker') then
    grant execute on function ipam_sweep_due to groundwork_worker;
  end if;
end $$;
