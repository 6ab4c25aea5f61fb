import { inNewDatabase, type SeedServer } from "./seed-server.js";

// Every fifth table refers to the one before it. A call makes 100 tables: more in one transaction would need more locks
// than a server with default settings has.
const makeTables = `
  create procedure public.make_tables(first integer, last integer, rows_each integer) language plpgsql as $$
  begin
    for n in first .. last loop
      execute format(
        'create table public.small_%s (id integer primary key, label text not null, price numeric(10, 2), noted_on date%s)',
        to_char(n, 'FM00000'),
        case when n % 5 = 0 then
          format(', neighbour integer references public.small_%s', to_char(n - 1, 'FM00000'))
        else '' end
      );
      execute format(
        'insert into public.small_%s select i, ''label '' || i, i * 1.25, date ''2024-01-01'' + i%s
         from generate_series(1, %s) as i',
        to_char(n, 'FM00000'), case when n % 5 = 0 then ', i' else '' end, rows_each + case when n % 5 = 0 then 0 else n % 7 end
      );
    end loop;
  end $$;
`;

/** Hundreds of small tables: 500 × `scale`, or as many as `tables` says. */
export async function seedMany(
  server: SeedServer,
  options: { database?: string; scale?: number; tables?: number; rowsEach?: number } = {},
): Promise<void> {
  const tables = options.tables ?? Math.max(1, Math.round(500 * (options.scale ?? 1)));
  await inNewDatabase(server, options.database ?? "many", async (client) => {
    await client.query(makeTables);
    for (let first = 1; first <= tables; first += 100) {
      const last = Math.min(first + 99, tables);
      await client.query("call public.make_tables($1, $2, $3)", [first, last, options.rowsEach ?? 40]);
    }
    await client.query("drop procedure public.make_tables");
  });
}
