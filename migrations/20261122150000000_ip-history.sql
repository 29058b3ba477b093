-- Up Migration

-- The log is read by who may see it: the owner of an event, and the owner of the pool that it happened in, which is the part of
-- `pool` before the slash. Each sees the newest first, or what happened to a block.
--
-- `id + 0`: an order that no other index gives. By `id` alone the planner may walk through the whole log backwards instead, in
-- search of an owner or a pool that it takes for a frequent one.
create index ipam_event_owner on ipam_event (owner, (id + 0));
create index ipam_event_owner_cidr on ipam_event (owner, cidr);
create index ipam_event_pool on ipam_event (pool, (id + 0));

-- What others did in somebody's pool. Who claims from pools of its own has no entries here.
create index ipam_event_guest on ipam_event ((split_part(pool, '/', 1)), (id + 0)) where owner <> split_part(pool, '/', 1);
create index ipam_event_guest_cidr on ipam_event ((split_part(pool, '/', 1)), cidr) where owner <> split_part(pool, '/', 1);
create index ipam_event_guest_pool on ipam_event (pool, owner, (id + 0)) where owner <> split_part(pool, '/', 1);

-- Down Migration

drop index ipam_event_owner, ipam_event_owner_cidr, ipam_event_pool, ipam_event_guest, ipam_event_guest_cidr, ipam_event_guest_pool;
