-- Up Migration

-- What is derived from the rows: capacity, the proof that they are sound, and the free list made again.

select set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);

-- All figures in addresses, as decimal text; `p_breakdown` reads every block of the pools.
create function ipam_capacity(p_pool_ids int[], p_breakdown boolean) returns table (
  pool_id int, total text, allocated text, available text, claims text, children text, reserved text, retained text, cooling text,
  largest_free smallint, free_blocks bigint
) language sql stable security definer set search_path from current set jit = off as $$
    select p.id, trim_scale(s.total)::text, trim_scale(s.total - f.available)::text, trim_scale(f.available)::text,
        trim_scale(a.claims)::text, trim_scale(a.children)::text, trim_scale(a.reserved)::text, trim_scale(a.retained)::text,
        trim_scale(a.cooling)::text, f.largest, f.blocks
      from ipam_pool p
        cross join lateral (select power(2::numeric, ipam_bits(p.family) - masklen(p.cidr)) as total) s
        cross join lateral (
          select coalesce(sum(n * power(2::numeric, ipam_bits(p.family) - len)), 0) as available, min(len) as largest,
              coalesce(sum(n), 0)::bigint as blocks
            from (select len, count(*) as n from ipam_free where pool_id = p.id and space_id = 0 group by len) lengths
        ) f
        left join lateral (
          select coalesce(sum(size) filter (where purpose = 'claim' and state = 'held'), 0) as claims,
              coalesce(sum(size) filter (where purpose = 'pool' and state = 'held'), 0) as children,
              coalesce(sum(size) filter (where purpose = 'reservation'), 0) as reserved,
              coalesce(sum(size) filter (where state = 'retained'), 0) as retained,
              coalesce(sum(size) filter (where state = 'cooling'), 0) as cooling
            from (
              select purpose, state, count(*) * power(2::numeric, ipam_bits(p.family) - masklen(cidr)) as size
                from ipam_alloc where pool_id = p.id and space_id = 0 group by purpose, state, masklen(cidr)
            ) sizes
        ) a on p_breakdown
      where p.id = any (p_pool_ids)
      order by p.id
  $$;

-- One row for each problem of a pool (all pools when null), none when it is sound. One statement, so one snapshot.
create function ipam_verify(p_pool_id int) returns table (pool_id int, owner text, name text, problem text, cidr cidr, detail text)
  language sql stable security definer set search_path from current set jit = off as $$
    with pools as (
      select * from ipam_pool where p_pool_id is null or id = p_pool_id
    ), blocks as (
      select a.pool_id, a.cidr as block, 'allocation' as what from ipam_alloc a join pools p on p.id = a.pool_id
      union all
      select f.pool_id, network(set_masklen(f.addr, f.len)), 'free block' from ipam_free f join pools p on p.id = f.pool_id
    ), ordered as (
      select pool_id, block, what, ipam_first(block) as first, ipam_last(block) as last,
          lag(block) over neighbours as before, lag(what) over neighbours as before_what, max(ipam_last(block)) over (partition by pool_id order by ipam_first(block), masklen(block) rows between unbounded preceding and 1 preceding)
            as before_last, -- of all before: a block inside of another hides no gap and makes none
          lead(block) over neighbours is null as is_last
        from blocks window neighbours as (partition by pool_id order by ipam_first(block), masklen(block))
    ), problems as (
      select pool_id, 'overlap' as problem, block as at, format('%s %s overlaps %s %s', what, block, before_what, before) as detail
        from ordered where first <= before_last
      union all
      select pool_id, 'gap', block, format('between %s and %s', before, block) from ordered
        where case when first > before_last then first > before_last + 1 end -- there is no address after the last of all
      union all
      select o.pool_id, 'gap', block, format('between the start of the pool and %s', block) from ordered o join pools p on p.id = o.pool_id
        where before is null and first > ipam_first(p.cidr)
      union all
      select o.pool_id, 'gap', block, format('between %s and the end of the pool', block) from ordered o join pools p on p.id = o.pool_id
        where is_last and last < ipam_last(p.cidr)
      union all
      select p.id, 'gap', p.cidr, 'the pool has neither allocations nor free blocks' from pools p
        where not exists (select from blocks b where b.pool_id = p.id)
      union all
      select b.pool_id, 'outside', block, format('%s %s is outside the pool %s', what, block, p.cidr) from blocks b join pools p on p.id = b.pool_id
        where not block <<= p.cidr
      union all
      select f.pool_id, 'misaligned', network(set_masklen(f.addr, f.len)), format('free block %s/%s begins inside of a block', host(f.addr), f.len)
        from ipam_free f join pools p on p.id = f.pool_id where host(network(set_masklen(f.addr, f.len))) <> host(f.addr)
      union all
      select f.pool_id, 'buddies', network(set_masklen(f.addr, f.len)), format('free block %s/%s and its buddy are both free', host(f.addr), f.len)
        from ipam_free f join pools p on p.id = f.pool_id
          join ipam_free other on other.pool_id = f.pool_id and other.space_id = f.space_id and other.len = f.len
            and other.addr = ipam_first(ipam_buddy(network(set_masklen(f.addr, f.len))))
        where f.len > masklen(p.cidr) and f.addr < other.addr
      union all
      select p.id, 'child-without-block', c.cidr, format('child pool %s/%s has %s blocks here', c.owner, c.name, count(a.id))
        from pools p join ipam_pool c on c.parent_id = p.id
          left join ipam_alloc a on a.pool_id = p.id and a.purpose = 'pool' and a.state = 'held' and a.cidr = c.cidr
            and a.owner = c.owner and a.name = c.name
        group by p.id, c.id, c.cidr, c.owner, c.name having count(a.id) <> 1
      union all
      select p.id, 'block-without-child', a.cidr, format('no child pool %s/%s has this block', a.owner, a.name)
        from pools p join ipam_alloc a on a.pool_id = p.id and a.purpose = 'pool' and a.state = 'held'
        where not exists (
          select from ipam_pool c where c.parent_id = p.id and c.cidr = a.cidr and c.owner = a.owner and c.name = a.name
        )
      union all
      select b.pool_id, 'drift', p.cidr, format('the blocks add up to %s addresses, the pool has %s', trim_scale(sum(size)), trim_scale(p.total))
        from (select pool_id, power(2::numeric, ipam_bits(family(block)) - masklen(block)) as size from blocks) b
          join (select *, power(2::numeric, ipam_bits(family) - masklen(cidr)) as total from pools) p on p.id = b.pool_id
        group by b.pool_id, p.cidr, p.total having sum(size) <> p.total
    )
    select p.id, p.owner, p.name, q.problem, q.at, q.detail from problems q join pools p on p.id = q.pool_id
      order by p.id, ipam_first(q.at), q.problem
  $$;

-- Makes the free list again: the pool minus its allocations.
create function ipam_rebuild(
  p_owner text, p_name text, p_actor text, p_workflow_id text, out status text, out pool_id int, out removed cidr[], out added cidr[],
  out blocks bigint
) language plpgsql security definer set search_path from current set jit = off as $$
#variable_conflict use_column
declare
  v_pool ipam_pool;
begin
  perform ipam_require_read_committed();
  select * into v_pool from ipam_pool p where p.owner = p_owner and p.name = p_name;
  if found then
    perform pg_advisory_xact_lock(71001, v_pool.id);
    select * into v_pool from ipam_pool p where p.id = v_pool.id;
  end if;
  if v_pool.id is null then
    status := 'not_found';
    return;
  end if;
  pool_id := v_pool.id;

  with gaps as (
    select lag(ipam_last(cidr)) over (order by ipam_first(cidr)) as after, ipam_first(cidr) as before from ipam_alloc a
      where a.pool_id = v_pool.id and a.space_id = 0
    union all
    select max(ipam_last(cidr)), null from ipam_alloc a where a.pool_id = v_pool.id and a.space_id = 0
  ), ranges as (
    select case when after is null then ipam_first(v_pool.cidr) when after < ipam_last(v_pool.cidr) then after + 1 end as first,
        case when before is null then ipam_last(v_pool.cidr) when before > ipam_first(v_pool.cidr) then before - 1 end as last
      from gaps
  ), right_list as (
    select masklen(block)::smallint as len, ipam_first(block) as addr
      from ranges cross join lateral ipam_split(first, last) as block where first <= last
  ), gone as (
    delete from ipam_free f where f.pool_id = v_pool.id and f.space_id = 0
      and not exists (select from right_list r where r.len = f.len and r.addr = f.addr) returning network(set_masklen(f.addr, f.len)) as block
  ), made as (
    insert into ipam_free (pool_id, len, addr)
      select v_pool.id, r.len, r.addr from right_list r
        where not exists (select from ipam_free f where f.pool_id = v_pool.id and f.space_id = 0 and f.len = r.len and f.addr = r.addr)
      returning network(set_masklen(addr, len)) as block
  )
  select array(select block from gone order by block limit 100), array(select block from made order by block limit 100),
      (select count(*) from right_list), (select count(*) from gone) + (select count(*) from made) > 0
    into removed, added, blocks, status;
  status := case status when 'true' then 'rebuilt' else 'unchanged' end;
  if status = 'rebuilt' then
    perform ipam_record_pool('rebuilt', v_pool, p_actor, p_workflow_id,
      jsonb_build_object('removed', removed, 'added', added, 'blocks', blocks));
  end if;
end $$;

-- Down Migration

drop function ipam_rebuild, ipam_verify, ipam_capacity;
