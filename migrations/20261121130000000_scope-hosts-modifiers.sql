-- Up Migration

-- Those of `hosts` that a repeated creation added, until it succeeds: an undo takes them back.
alter table placement add column hosts_added text[] not null default '{}';

-- Labels and annotations of the keeper beside its own, as they were when it was first made: every run applies the same object.
alter table balancer add column keeper_extras jsonb;

-- Down Migration

alter table balancer drop column keeper_extras;
alter table placement drop column hosts_added;
