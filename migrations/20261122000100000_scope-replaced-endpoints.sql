-- Up Migration

-- DNSEndpoints that newer ones of the scope replace, oldest first: each is removed when the newer one is ready.
alter table placement add column dns_endpoints_before text[] not null default '{}';

-- Down Migration

alter table placement drop column dns_endpoints_before;
