-- Up Migration

-- The worker needs to execute the functions and to read the tables, and nothing else: nobody writes a block past the allocator.
-- `groundwork_worker` is a group: `create role <user> login in role groundwork_worker` makes a user for the worker. Where the
-- migrating user may not create roles and there is none of that name, the worker connects as the owner of the tables.

do $$
declare
  v_function regprocedure;
  v_table regclass;
  v_type record;
  v_schema text := current_schema();
begin
  if not exists (select from pg_roles where rolname = 'groundwork_worker')
      and (select rolsuper or rolcreaterole from pg_roles where rolname = current_user) then
    begin
      create role groundwork_worker nologin;
    exception when duplicate_object or unique_violation then
      null; -- another database of this server was migrated at the same moment
    end;
  end if;

  for v_function in
    select p.oid::regprocedure from pg_proc p where p.pronamespace = v_schema::regnamespace and starts_with(p.proname, 'ipam_')
  loop
    execute format('revoke execute on function %s from public', v_function);
  end loop;
  if not exists (select from pg_roles where rolname = 'groundwork_worker') then return; end if;

  execute format('grant usage on schema %I to groundwork_worker', v_schema);
  for v_function in
    select p.oid::regprocedure from pg_proc p
      where p.pronamespace = v_schema::regnamespace and starts_with(p.proname, 'ipam_') and p.prosecdef
  loop
    execute format('grant execute on function %s to groundwork_worker', v_function);
  end loop;
  for v_table in
    select c.oid::regclass from pg_class c where c.relnamespace = v_schema::regnamespace and c.relkind = 'r'
      and (starts_with(c.relname, 'ipam_') or c.relname = 'groundwork_migration')
  loop
    execute format('grant select on %s to groundwork_worker', v_table);
  end loop;
  -- The ledgers of the other rooms are the worker's own.
  for v_table in
    select c.oid::regclass from pg_class c where c.relnamespace = v_schema::regnamespace and c.relkind = 'r'
      and not starts_with(c.relname, 'ipam_') and c.relname <> 'groundwork_migration'
  loop
    execute format('grant select, insert, update, delete on %s to groundwork_worker', v_table);
  end loop;
  execute format('alter default privileges in schema %I grant select, insert, update, delete on tables to groundwork_worker', v_schema);
end $$;

-- Down Migration

do $$
begin
  if exists (select from pg_roles where rolname = 'groundwork_worker') then
    execute format('alter default privileges in schema %I revoke all on tables from groundwork_worker', current_schema());
    execute format('revoke all on all tables in schema %I from groundwork_worker', current_schema());
    execute format('revoke all on schema %I from groundwork_worker', current_schema());
  end if;
end $$;
