import type pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { EmbeddedServer } from "../../local/embedded-server.js";
import { copyPart } from "../../shared/copy/copy-part.js";
import { createLedger } from "../../shared/ledger/ledger-schema.js";
import type { PartToCopy } from "../../shared/ledger/parts.js";
import { abandonSession, type ConnectOptions, connect } from "../../shared/postgres/connect.js";
import { createSlot } from "../../shared/postgres/replication-slot.js";
import { listSourceTables, serverVersion } from "../../shared/postgres/source-tables.js";
import { dumpSchema } from "../../shared/schema/dump-schema.js";
import { changesValues, MutatingProxy, type Mutation, mutations } from "../fixtures/mutating-proxy.js";
import { planTable } from "../fixtures/plan.js";

const seed = Number(process.env.WIRE_FUZZ_SEED ?? 20_261_125);
const conversations = Number(process.env.WIRE_FUZZ_CONVERSATIONS ?? 2_000);

/** Conversations at once: most of those that go wrong wait for their limit. */
const lanes = 20;

/** How long after the change a server is listened to that says nothing more: what a function's own limits are for. */
const silenceMs = 300;

/** The limit of connect()'s own. */
const connectSeconds = 2;

/** From then on everything has to be over. */
const graceMs = 5_000;

let source: EmbeddedServer;
let target: EmbeddedServer;
const deaths: unknown[] = [];
const noteDeath = (error: unknown) => deaths.push(error);

beforeAll(async () => {
  [source, target] = await Promise.all([
    EmbeddedServer.start({
      major: 17,
      settings: { wal_level: "logical", max_replication_slots: "40", max_wal_senders: "40", max_connections: "200" },
    }),
    EmbeddedServer.start({ major: 17, settings: { max_connections: "200" } }),
  ]);
  await source.query("create table item (id int, payload text)");
  await source.query("insert into item select i, repeat(md5(i::text), i % 5) from generate_series(1, 200) as i");
  for (let lane = 0; lane < lanes; lane++) {
    await target.query(`create database lane_${lane}`);
    await target.query("create table item (id int, payload text)", { database: `lane_${lane}` });
  }
  // As a worker process: what nobody catches there ends it.
  process.on("uncaughtException", noteDeath);
  process.on("unhandledRejection", noteDeath);
});

afterAll(async () => {
  process.off("uncaughtException", noteDeath);
  process.off("unhandledRejection", noteDeath);
  await Promise.all([source?.stop(), target?.stop()]);
});

function options(server: { host: string; port: number }, login: EmbeddedServer, database: string): ConnectOptions {
  return {
    endpoint: { host: server.host, port: server.port, user: login.user, sslMode: "Prefer" },
    password: login.password,
    database,
    applicationName: "migration fuzz~00000000 test",
    connectTimeoutSeconds: connectSeconds,
  };
}

/** A lane's own proxies, target database and sessions. */
interface Lane {
  readonly database: string;
  readonly proxy: MutatingProxy;
  readonly targetProxy: MutatingProxy;
  readonly part: PartToCopy;
  /** The session, also known to be given up when its time is up. */
  readonly open: (options: ConnectOptions) => Promise<pg.Client>;
  readonly signal: AbortSignal;
  readonly slot: string;
}

interface Phase {
  readonly name: string;
  /** Of a hundred conversations. */
  readonly share: number;
  readonly proxy: "source" | "target";
  /** @returns what the conversation has brought, as text to be compared. */
  readonly converse: (lane: Lane) => Promise<string>;
}

const contents = "select count(*)::text || ' ' || coalesce(sum(id), 0)::text as text from item";

async function copied(lane: Lane, from: { host: string; port: number }, to: { host: string; port: number }) {
  const reading = await lane.open(options(from, source, "postgres"));
  await reading.query("begin isolation level repeatable read read only");
  const loading = await lane.open(options(to, target, lane.database));
  const { rows } = await copyPart(lane.part, {
    source: reading,
    sourceVersion: 170_000,
    target: loading,
    instance: "fuzz",
    signal: lane.signal,
    onBytes: () => {},
  });
  return `${rows} copied: ${(await target.query<{ text: string }>(contents, { database: lane.database }))[0]?.text}`;
}

const phases: readonly Phase[] = [
  {
    name: "start-up and catalogues",
    share: 40,
    proxy: "source",
    converse: async (lane) => {
      const client = await lane.open(options(lane.proxy, source, "postgres"));
      const version = await serverVersion(client);
      const tables = await listSourceTables(client);
      return `${version >= 170_000} ${tables.map(({ schema, name, columns }) => `${schema}.${name}(${columns.join()})`)}`;
    },
  },
  {
    name: "COPY out",
    share: 25,
    proxy: "source",
    converse: (lane) => copied(lane, lane.proxy, target),
  },
  {
    name: "COPY in",
    share: 25,
    proxy: "target",
    converse: (lane) => copied(lane, source, lane.targetProxy),
  },
  {
    name: "replication commands",
    share: 9,
    proxy: "source",
    converse: async (lane) => {
      const observer = await lane.open(options(source, source, "postgres"));
      await observer.query(
        "select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = $1 and not active",
        [lane.slot],
      );
      const created = createSlot(options(lane.proxy, source, "postgres"), lane.slot, connectSeconds, observer);
      const slot = await created;
      await slot.end();
      return `${slot.snapshot !== ""} ${/^[0-9A-F]+\/[0-9A-F]+$/.test(slot.consistentPoint)}`;
    },
  },
  {
    name: "pg_dump",
    share: 1,
    proxy: "source",
    converse: async (lane) => {
      const client = await lane.open(options(lane.proxy, source, "postgres"));
      const dump = await dumpSchema(client, { section: "pre-data", timeLimitMs: 10_000, signal: lane.signal });
      return dump.replaceAll(/\\(un)?restrict .*/g, "");
    },
  },
];

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function randomFrom(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Told {
  readonly outcome: "came" | "refused" | "hung";
  readonly text: string;
}

async function run(phase: Phase, lane: Omit<Lane, "open" | "signal">): Promise<Told> {
  const abort = new AbortController();
  const sessions = new Set<pg.Client>();
  const giveUp = () => {
    abort.abort(new Error("the activity's time is up"));
    for (const session of sessions) abandonSession(session);
  };
  const open = async (connection: ConnectOptions) => {
    const session = await connect(connection);
    sessions.add(session);
    if (abort.signal.aborted) abandonSession(session);
    return session;
  };
  let limit: NodeJS.Timeout | undefined;
  const proxy = phase.proxy === "source" ? lane.proxy : lane.targetProxy;
  proxy.onTouched = () => {
    limit = setTimeout(giveUp, silenceMs);
  };
  let grace: NodeJS.Timeout | undefined;
  try {
    return await Promise.race([
      phase.converse({ ...lane, open, signal: abort.signal }).then(
        (text): Told => ({ outcome: "came", text }),
        (error: unknown): Told => ({ outcome: "refused", text: String(error) }),
      ),
      new Promise<Told>((resolve) => {
        grace = setTimeout(() => resolve({ outcome: "hung", text: "" }), 10_000 + graceMs);
      }),
    ]);
  } finally {
    clearTimeout(limit);
    clearTimeout(grace);
    giveUp();
  }
}

async function makeLane(number: number): Promise<Omit<Lane, "open" | "signal">> {
  const database = `lane_${number}`;
  const [reading, loading] = [
    await connect(options(source, source, "postgres")),
    await connect(options(target, target, database)),
  ];
  await createLedger(loading, `fuzz ${number}`);
  const [part] = await planTable(reading, loading, "item", 1024 ** 3);
  if (part === undefined) throw new Error("nothing is planned");
  for (const session of [reading, loading]) abandonSession(session);
  const [proxy, targetProxy] = [await MutatingProxy.start(source), await MutatingProxy.start(target)];
  return { database, proxy, targetProxy, part, slot: `fuzz_${number}` };
}

const emptyLane = "truncate item; delete from _pgmig.ledger";

test(`${conversations} conversations with a changed message end in time, and bring the truth or an error`, async () => {
  const shares = phases.flatMap((phase) => Array<Phase>(phase.share).fill(phase));
  const truths = new Map<string, string>();
  const lengths = new Map<string, number>();
  const started = await makeLane(0);
  for (const phase of phases) {
    started.proxy.plan();
    started.targetProxy.plan();
    await target.query(emptyLane, { database: started.database });
    const { outcome, text } = await run(phase, started);
    expect(outcome, `${phase.name}: ${text}`).toBe("came");
    truths.set(phase.name, text);
    lengths.set(phase.name, (phase.proxy === "source" ? started.proxy : started.targetProxy).seen);
  }

  const random = randomFrom(seed);
  const wrong: string[] = [];
  const outcomes = { came: 0, refused: 0, hung: 0, untouched: 0 };
  let next = 0;
  let rssAfterWarmUp = 0;
  const work = async (lane: Omit<Lane, "open" | "signal">) => {
    const emptying = await target.connect(lane.database);
    while (next < conversations) {
      const number = next++;
      if (number === Math.floor(conversations / 4)) rssAfterWarmUp = process.memoryUsage().rss;
      const phase = shares[Math.floor(random() * shares.length)] as Phase;
      const mutation = mutations[Math.floor(random() * mutations.length)] as Mutation;
      const message = Math.floor(random() * (lengths.get(phase.name) ?? 1));
      const own = randomFrom(Math.floor(random() * 2 ** 32));
      const proxy = phase.proxy === "source" ? lane.proxy : lane.targetProxy;
      await emptying.query(emptyLane);
      proxy.plan({ message, mutation, random: own });
      const { outcome, text } = await run(phase, lane);
      outcomes[outcome] += 1;
      if (proxy.touched === undefined) outcomes.untouched += 1;
      const touched = proxy.touched ?? "none";
      const what = `${number}: ${phase.name}, message ${message} ${touched}: ${mutation}`;
      proxy.plan();
      if (outcome === "hung") wrong.push(`${what} hung`);
      // Another value in a row is what only TLS and the proof of the whole table can tell.
      const otherValues = changesValues.has(mutation) && /[dDST]/.test(touched);
      if (outcome === "came" && text !== truths.get(phase.name) && !otherValues) wrong.push(`${what} came as ${text}`);
      for (const death of deaths.splice(0)) {
        wrong.push(`${what} killed: ${death instanceof Error ? death.stack : String(death)}`);
      }
    }
    await emptying.end();
  };
  const all = [started, ...(await Promise.all(Array.from({ length: lanes - 1 }, (_, lane) => makeLane(lane + 1))))];
  await Promise.all(all.map(work));
  const growth = process.memoryUsage().rss - rssAfterWarmUp;
  await Promise.all(all.flatMap((lane) => [lane.proxy.stop(), lane.targetProxy.stop()]));

  expect(wrong).toEqual([]);
  expect(outcomes.refused).toBeGreaterThan(conversations / 2);
  // What was asked to be kept, 2 GB and 1 MB at a time, is not.
  expect(growth).toBeLessThan(200 * 1024 * 1024);
}, 300_000);
