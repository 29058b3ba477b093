-- Up Migration

-- What the removal of the scope's objects is told, when a deletion is forced.
alter table placement add column slugs jsonb;

-- The run that made the DNSEndpoint: only that run may undo it.
alter table placement add column dns_endpoint_by text;

-- Whether the tags of a balancer were looked at, shared by all runs that wait for it: a reading with a lease, like `observation`.
alter table balancer add column tagging jsonb;
alter table balancer add column tagging_at timestamptz;
alter table balancer add column tagger text;
alter table balancer add column tagger_until timestamptz;

-- Down Migration

alter table balancer drop column tagger_until;
alter table balancer drop column tagger;
alter table balancer drop column tagging_at;
alter table balancer drop column tagging;
alter table placement drop column dns_endpoint_by;
alter table placement drop column slugs;
