-- Up Migration

-- Planned instances of the old version as a rollout found them: `rolling` lowers them, and a repeat must know what to give back.
-- Null: an initial rollout has no old version.
alter table rollout add column blue_count integer;

-- Down Migration

alter table rollout drop column blue_count;
