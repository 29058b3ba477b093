-- Up Migration

-- Where the scope's records led that follow a rollout to another balancer: its way back leads them there again. Null: none follows.
alter table rollout add column aliases jsonb;

-- Down Migration

alter table rollout drop column aliases;
