-- Up Migration

-- Blocks: arithmetic, and the buddy free list of one pool. Callers that change the list hold the pool's lock (71001, pool id).
-- Every function of the room keeps the schema it was made in as its search path, with pg_temp last.

select set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);

create function ipam_bits(p_family int) returns int language sql immutable parallel safe
  return case p_family when 4 then 32 else 128 end;

-- The other half of the block that `p_block` is a half of; `p_block` is longer than /0.
create function ipam_buddy(p_block cidr) returns cidr language sql immutable parallel safe
  return case
    when p_block = set_masklen(set_masklen(p_block, masklen(p_block) - 1), masklen(p_block))
      then network(set_masklen(broadcast(set_masklen(p_block, masklen(p_block) - 1)), masklen(p_block)))
    else set_masklen(set_masklen(p_block, masklen(p_block) - 1), masklen(p_block))
  end;

-- First address, with the full mask: sorts by address, which a block does not (network first, then mask).
create function ipam_first(p_block cidr) returns inet language sql immutable parallel safe
  return set_masklen(p_block::inet, -1); -- -1: all bits of the family

create function ipam_last(p_block cidr) returns inet language sql immutable parallel safe
  return set_masklen(broadcast(p_block), -1);

-- The fewest blocks that cover exactly `p_first` to `p_last`, in order; both with the full mask.
create function ipam_split(p_first inet, p_last inet) returns setof cidr
  language plpgsql immutable strict parallel safe set search_path from current as $$
declare
  v_bits int := ipam_bits(family(p_first));
  v_at inet := p_first;
  v_len int;
begin
  while v_at <= p_last loop
    v_len := v_bits;
    while v_len > 0 and host(network(set_masklen(v_at, v_len - 1))) = host(v_at)
        and ipam_last(network(set_masklen(v_at, v_len - 1))) <= p_last loop
      v_len := v_len - 1;
    end loop;
    return next network(set_masklen(v_at, v_len));
    exit when ipam_last(network(set_masklen(v_at, v_len))) = p_last;
    v_at := ipam_last(network(set_masklen(v_at, v_len))) + 1;
  end loop;
end $$;

-- `p_units` blocks of length `p_unit` at the low or the high edge of `p_block`, as the fewest blocks.
create function ipam_edge(p_block cidr, p_unit int, p_units bigint, p_high boolean) returns setof cidr
  language plpgsql immutable strict parallel safe set search_path from current as $$
declare
  v_at inet := case when p_high then ipam_last(p_block) else ipam_first(p_block) end;
  v_block cidr;
begin
  -- Largest power of two first, so that each block is aligned.
  for v_power in reverse 62..0 loop
    continue when (p_units >> v_power) & 1 = 0;
    v_block := network(set_masklen(v_at, p_unit - v_power));
    return next v_block;
    exit when p_units & ((1::bigint << v_power) - 1) = 0;
    v_at := case when p_high then ipam_first(v_block) - 1 else ipam_last(v_block) + 1 end;
  end loop;
end $$;

-- Whether `p_blocks` (1 to 256) blocks of length `p_len` are free: as many free blocks are read, at most, as are wanted.
create function ipam_room(p_pool_id int, p_len int, p_blocks int) returns boolean language plpgsql stable as $$
begin
  if p_blocks = 1 then
    return exists (select from ipam_free where pool_id = p_pool_id and space_id = 0 and len <= p_len);
  end if;
  return (
    select coalesce(sum(1 << least(p_len - f.len, 9)), 0) >= p_blocks
      from (select len from ipam_free where pool_id = p_pool_id and space_id = 0 and len <= p_len order by len limit p_blocks) f
  );
end $$;

-- Length of the largest free block, null when there is none.
create function ipam_largest_free(p_pool_id int) returns smallint language plpgsql stable as $$
begin
  return (select len from ipam_free where pool_id = p_pool_id and space_id = 0 order by len limit 1);
end $$;

-- The free block to take a block of length `p_len` from, by the pool's strategy; with `p_wanted`, the free block that covers
-- it. Null when there is none. One index probe for each length at most: the sub-selects keep their limit so that no planner,
-- however ignorant of the table, reads a pool's whole list.
create function ipam_block_find(
  p_pool_id int, p_pool_len int, p_strategy text, p_len int, p_wanted cidr, out found_len int, out found_addr inet
) language plpgsql stable as $$
begin
  if p_wanted is not null then
    select f.len, f.addr into found_len, found_addr
      from generate_series(p_pool_len, p_len) l cross join lateral (
        select len, addr from ipam_free
          where pool_id = p_pool_id and space_id = 0 and len = l and addr = ipam_first(set_masklen(p_wanted, l)) limit 1
      ) f
      limit 1;
  elsif p_strategy = 'BestFit' then
    select len into found_len from ipam_free
      where pool_id = p_pool_id and space_id = 0 and len <= p_len order by pool_id desc, space_id desc, len desc limit 1;
    select addr into found_addr from ipam_free
      where pool_id = p_pool_id and space_id = 0 and len = found_len order by addr limit 1;
  elsif p_strategy = 'Sparse' then
    select len, addr into found_len, found_addr from ipam_free
      where pool_id = p_pool_id and space_id = 0 and len <= p_len order by len, addr limit 1;
  else
    -- The lowest free aligned block always begins a maximal free block.
    select f.len, f.addr into found_len, found_addr
      from generate_series(p_pool_len, p_len) l cross join lateral (
        select len, addr from ipam_free where pool_id = p_pool_id and space_id = 0 and len = l order by addr limit 1
      ) f
      order by f.addr limit 1;
  end if;
end $$;

-- Takes `p_block` out of the free block that covers it; the halves beside the path stay free.
create function ipam_block_take(p_pool_id int, p_found_len int, p_found_addr inet, p_block cidr) returns void
  language plpgsql as $$
begin
  delete from ipam_free where pool_id = p_pool_id and space_id = 0 and len = p_found_len and addr = p_found_addr;
  if not found then
    raise exception 'the free list of pool % changed under its lock', p_pool_id using errcode = 'GW003';
  end if;
  if masklen(p_block) > p_found_len then
    insert into ipam_free (pool_id, len, addr)
      select p_pool_id, l, ipam_first(ipam_buddy(set_masklen(p_block, l)))
        from generate_series(p_found_len + 1, masklen(p_block)) l;
  end if;
end $$;

-- Gives `p_block` back and joins it with its buddies as far as they are free.
create function ipam_block_give(p_pool_id int, p_pool_len int, p_block cidr) returns void
  language plpgsql as $$
declare
  v_block cidr := p_block;
begin
  while masklen(v_block) > p_pool_len loop
    delete from ipam_free
      where pool_id = p_pool_id and space_id = 0 and len = masklen(v_block) and addr = ipam_first(ipam_buddy(v_block));
    exit when not found;
    v_block := set_masklen(v_block, masklen(v_block) - 1);
  end loop;
  insert into ipam_free (pool_id, len, addr) values (p_pool_id, masklen(v_block), ipam_first(v_block));
end $$;

-- Down Migration

drop function ipam_block_give, ipam_block_take, ipam_block_find, ipam_largest_free, ipam_room, ipam_edge, ipam_split, ipam_last,
  ipam_first, ipam_buddy, ipam_bits;
