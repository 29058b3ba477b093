-- Up Migration

-- What belongs to a scope that is bound is no run's to undo any more: a run that is reset keeps its key.
alter table dns_record alter column made_by drop not null;

update dns_record set made_by = null
 where scope_id in (select scope_id from placement where state = 'bound' and holder is null);

update placement set placed_by = null, dns_endpoint_by = null where state = 'bound' and holder is null;

-- Down Migration

update dns_record set made_by = '' where made_by is null;
alter table dns_record alter column made_by set not null;
