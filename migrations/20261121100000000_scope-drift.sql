-- Up Migration

-- The DNSEndpoint of a scope with external-dns, as `<namespace>/<name>`: written before it is applied, so that it is known to be ours.
alter table placement add column dns_endpoint text;

-- How AWS, DNS and the cluster deviate from the ledger, as the last retirement run saw it. A source is a region or a zone:
-- each is replaced as a whole when it was read completely, and stays as it was when it could not be read.
create table drift (
  source text not null,
  kind text not null,
  subject text not null,
  message text not null,
  since timestamptz not null default now(),
  primary key (source, kind, subject)
);

create table drift_source (
  source text primary key,
  checked_at timestamptz not null
);

-- Down Migration

drop table drift_source;
drop table drift;
alter table placement drop column dns_endpoint;
