/** The shop's rows; "$scale" is replaced by a number. */
export const shopData = `
  insert into shop.regions values ('de', 'Deutschland'), ('fr', 'France'), ('jp', '日本'), ('xx', E'tab\\there, and a \\\\N');
  insert into shop.customers (name, email, address, tags, profile, born, created_at)
  select 'Customer ' || n,
         case when n % 17 = 0 then null else 'c' || n || '@example.org' end,
         case when n % 5 = 0 then null else row('Street ' || n, case when n % 3 = 0 then null else 'City "' || n % 50 || '"' end, lpad(n::text, 5, '0'))::shop.address end,
         case n % 4 when 0 then '{}' when 1 then array['new', null, 'NULL'] when 2 then array['with "quotes"', 'with, comma'] else array['{braces}', ''] end,
         jsonb_build_object('n', n, 'nested', jsonb_build_array(n, null, 'text ' || n, 1.5e300), 'unicode', 'żółć 🐘'),
         date '1950-01-01' + n % 18000,
         timestamptz '2023-01-01 00:00:00+00' + n * interval '97 minutes'
  from generate_series(1, (5000 * $scale)::integer) as n;
  insert into shop.products (sku, price, dimensions, weight, search)
  select 'SKU-' || n, n * 37 % 100000, array[array[n, n + 1], array[n / 3.0, null]]::real[],
         case n % 100 when 0 then 'NaN'::double precision when 1 then 'infinity' when 2 then '-infinity' else n / 7.0 end,
         to_tsvector('simple', 'product number ' || n || ' of many')
  from generate_series(1, 2000) as n;
  insert into shop.stock
  select (array['Oslo', 'Umeå', 'Roma', 'Αθήνα', 'elsewhere'])[1 + n % 5], n, nullif(n % 40, 0)
  from generate_series(1, 2000) as n;
  update shop.products set parent = id / 2 where id > 1;
  insert into shop.orders
  select n, 100 + n % (5000 * $scale)::integer, (enum_range(null::shop.order_state))[1 + n % 5],
         timestamptz '2022-11-01 00:00:00+00' + n * interval '30 minutes' / $scale, (n * 7919 % 1000000) / 100.0,
         case when n % 9 = 0 then repeat('note ' || n || ' ', 20) end
  from generate_series(1, (60000 * $scale)::integer) as n;
  insert into shop.order_lines
  select o.id, o.ordered_at, line, 1 + (o.id * line) % 2000, 1 + o.id % 9
  from shop.orders o, generate_series(1, 3) as line;
  -- Foreign keys after their rows: checked one by one they would take ten times as long.
  alter table shop.orders add constraint orders_customer foreign key (customer) references shop.customers;
  alter table shop.order_lines add constraint order_lines_order
    foreign key (order_id, ordered_at) references shop.orders on delete cascade;
  alter table shop.order_lines add constraint order_lines_product foreign key (product) references shop.products;
  insert into shop.rooms
  select 'room ' || n, tstzrange(timestamptz '2024-01-01' + n * interval '1 hour', timestamptz '2024-01-01 00:30' + n * interval '1 hour')
  from generate_series(1, 500) as n;
  insert into shop.notes (about, written) select 'note ' || n, timestamp '2024-02-29' from generate_series(1, 50) as n;
  insert into shop.private_notes (about, written, reader) select 'private ' || n, 'infinity', 'me' from generate_series(1, 20) as n;
  insert into shop.sessions select md5(n::text)::uuid, decode(md5(n::text), 'hex') from generate_series(1, 100) as n;
  update shop.regions set name = name || '.' where code = 'fr';
  -- A row that the table's CHECK would refuse today: it must arrive all the same.
  insert into shop.rooms values ('no such room', 'empty');
  alter table shop.rooms add constraint room_named_properly check (room ~ '^room ') not valid;
  alter table shop.customers add column loyalty integer not null default 7;
  alter table shop.customers drop column born cascade;
  select nextval('shop.invoice_number') from generate_series(1, 37);
  refresh materialized view shop.z_sales_by_day;
  refresh materialized view shop.m_sales_by_month;
  analyze;
`;
