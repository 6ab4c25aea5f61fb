/** A schema with one of (nearly) everything that pg_dump of a version-12 server writes, and names that must be quoted. */
export const richSchema = String.raw`
create role "Owner one" login;
create role reader;
create extension hstore;
create extension pgcrypto;
comment on extension hstore is 'changed comment';
create schema app authorization "Owner one";
create schema "Weird "" sch.ema $1";
set check_function_bodies = off;

create domain app.positive as integer check (value > 0);
create type app.mood as enum ('sad', 'o''k', '"happy"');
create type app.pair as (a integer, b text collate "C");
create type app.span as range (subtype = timestamptz);
create sequence app.loose_seq start 42 increment -3 minvalue -100 maxvalue 100 cycle;

create function app.touch() returns trigger language plpgsql as $body$
begin
  -- Name: fake; Type: TABLE; Schema: app; Owner: nobody
  raise notice 'a;b $$ \restrict';
  new.touched := now();
  return new;
end;
$body$;
create function app.listing() returns text language sql as $body$ select '
\restrict abc

--
-- Name: fake; Type: TABLE; Schema: app; Owner: nobody
--

\unrestrict abc
'::text $body$;
create function app.twice(x integer, y integer default 2) returns integer immutable language sql as 'select $1 * $2';
create procedure app.work(inout x integer) language plpgsql as $$ begin x := x + 1; end $$;
create aggregate app.total(integer) (sfunc = int4pl, stype = integer, initcond = '0');
create operator app.=== (leftarg = integer, rightarg = integer, function = int4eq, commutator = operator(app.===));
create function app.twice_mood(app.mood) returns integer immutable language sql as 'select 1';
create cast (app.mood as integer) with function app.twice_mood(app.mood);
create table app.customer (
  id bigint generated always as identity (start 100 increment 5) primary key,
  name text not null collate "C",
  mood app.mood default 'o''k',
  age app.positive,
  extra jsonb default '{"a": [1, 2]}',
  tags text[] default '{}',
  attributes public.hstore,
  full_name text generated always as (name || '!') stored,
  touched timestamptz,
  unique (name, mood),
  constraint sensible check (age < 200)
);
create table app.orders (
  id serial primary key,
  customer_id bigint references app.customer on delete cascade deferrable initially deferred,
  previous integer references app.orders,
  during tstzrange,
  exclude using gist (during with &&)
);
create table app."Odd ""name"".dot
line 😀" ("col ""1""" integer primary key, "sélect" text, constraint "ck ;-- x" check ("col ""1""" > 0));
create table "Weird "" sch.ema $1"."from" ("order" integer references app."Odd ""name"".dot
line 😀");
create unlogged table app.scratch (x integer) with (fillfactor = 70);
create table app.parent (a integer, b text);
create table app.child (c integer) inherits (app.parent);

create table app.event (id bigint not null, at date not null, kind text, primary key (id, at)) partition by range (at);
create table app.event_2020 partition of app.event for values from ('2020-01-01') to ('2021-01-01') partition by hash (id);
create table app.event_2020_a partition of app.event_2020 for values with (modulus 2, remainder 0);
create table app.event_2020_rest partition of app.event_2020 for values with (modulus 2, remainder 1);
create table app.event_rest partition of app.event default;
create index event_kind on app.event (kind, lower(kind)) where kind <> 'x';
create table app.event_note (event_id bigint, event_at date, foreign key (event_id, event_at) references app.event);

create index customer_extra on app.customer using gin (extra jsonb_path_ops);
create unique index customer_lower on app.customer (lower(name) text_pattern_ops desc nulls last) include (age);
alter index app.customer_lower alter column 1 set statistics 500;
alter table app.customer cluster on customer_lower;
alter table app.orders replica identity using index orders_pkey;
alter table app.scratch replica identity full;
alter table app.customer alter column name set statistics 77, alter column extra set storage external;
create statistics app.customer_stats (dependencies) on name, mood from app.customer;

create view app.names as select id, name from app.customer where age > 1 with local check option;
create view app.grouped as select c.id, c.name, count(*) from app.customer c group by c.id;
create materialized view app.mv_first as select id, name from app.customer;
create materialized view app.mv_second as select count(*) as n, max(name) as m from app.mv_first;
create unique index mv_first_id on app.mv_first (id);
create materialized view app.mv_third as select g.* from app.grouped g, app.mv_second with no data;
create index mv_third_id on app.mv_third (id);
create view app.circular as select 1 as x, 2 as y;
create function app.uses_circular(app.circular) returns integer language sql as 'select 1';
create or replace view app.circular as select 1 as x, app.uses_circular(null) as y;

create trigger touch before update on app.customer for each row when (old.name is distinct from new.name) execute function app.touch();
alter table app.customer disable trigger touch;
create trigger part_touch before insert on app.event_2020_a for each row execute function app.touch();
create rule no_delete as on delete to app.scratch do instead nothing;
alter table app.customer enable row level security;
alter table app.customer force row level security;
create policy only_reader on app.customer for select to reader using (age > 18);
create policy everyone on app.customer as restrictive using (true) with check (name <> '');
alter table app.orders add constraint later check (id > 0) not valid;
create function app.on_ddl() returns event_trigger language plpgsql as $$ begin raise exception 'DDL is forbidden here'; end $$;

create publication pub for table app.customer, app.orders with (publish = 'insert');
create text search configuration app.english_copy (copy = pg_catalog.english);
create foreign data wrapper dummy;
create server remote foreign data wrapper dummy;
create user mapping for reader server remote;
create foreign table app.far (x integer) server remote;
create collation app.german (provider = icu, locale = 'de-u-co-phonebk');

comment on table app.customer is 'it''s; -- a "comment"
with lines';
comment on column app.customer.name is 'name';
comment on index app.customer_lower is 'index comment';
comment on index app.mv_first_id is 'index of a materialized view';
comment on constraint sensible on app.customer is 'constraint comment';
comment on trigger touch on app.customer is 'trigger comment';
comment on policy only_reader on app.customer is 'policy comment';
alter table app.customer owner to "Owner one";
alter table app.event owner to "Owner one";
alter function app.listing() owner to "Owner one";
alter materialized view app.mv_first owner to "Owner one";
grant usage on schema app to reader;
grant select on app.customer to reader with grant option;
grant select (id), update (previous) on app.orders to reader, "Owner one";
grant all on all sequences in schema app to public;
revoke execute on function app.listing() from public;
set session authorization reader;
grant select on app.customer to "Owner one";
reset session authorization;
alter default privileges for role "Owner one" in schema app grant select on tables to reader;
create schema _pgmig;
create table _pgmig.ours (x integer);
create table _pgmig.ledger (part_id integer, rows bigint, bytes bigint, instance text, finished_at timestamptz);
create event trigger forbid_ddl on ddl_command_start execute function app.on_ddl();
comment on event trigger forbid_ddl is 'event trigger comment';
`;
