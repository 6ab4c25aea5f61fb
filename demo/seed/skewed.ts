import { inNewDatabase, type SeedServer } from "./seed-server.js";

// About 345 bytes a row on disk, so that 1 million rows are some 330 MB. No integer key: parts must come from the heap.
const events = `
  create table public.events (
    id uuid not null,
    device text not null,
    happened_at timestamptz not null,
    reading double precision,
    payload text not null
  );
  insert into public.events
  select md5(n::text)::uuid,
         'device-' || n % 5000,
         timestamptz '2024-01-01 00:00:00+00' + n * interval '7 seconds',
         case when n % 11 = 0 then null else sqrt(n::double precision) end,
         repeat(md5((n * 31)::text), 8)
  from generate_series(1, $rows) as n;
`;

const keysAndLookup = `
  alter table public.events add constraint events_pkey primary key (id);
  create index events_by_device on public.events (device, happened_at);
  create index events_by_time on public.events (happened_at) where reading is not null;
  create table public.devices (device text primary key, location point, tags text[] not null default '{}');
  insert into public.devices
  select 'device-' || n, point(n % 180, n % 90), array['site ' || n % 12, null]
  from generate_series(0, 4999) as n;
  analyze public.events;
  analyze public.devices;
`;

/** One table with nearly all of the database's bytes: `scale` 1 is about 330 MB and takes some 6 s. */
export async function seedSkewed(
  server: SeedServer,
  options: { database?: string; scale?: number } = {},
): Promise<void> {
  const rows = Math.max(1, Math.round(1_000_000 * (options.scale ?? 1)));
  await inNewDatabase(server, options.database ?? "skewed", async (client) => {
    await client.query(events.replace("$rows", String(rows)));
    await client.query(keysAndLookup);
  });
}
