import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EmbeddedServer } from "../../local/embedded-server.js";
import { connect } from "../../shared/postgres/connect.js";
import type { RuleFinding, ServerRule } from "../../shared/validation/rule.js";
import { openRuleSessions, type RuleSessions } from "../../shared/validation/rule-sessions.js";
import { type Check, type RuleOutcome, runChecks } from "../../shared/validation/run-checks.js";

let server: EmbeddedServer;

beforeAll(async () => {
  server = await EmbeddedServer.start({ major: 17 });
  await server.query("create table kept (id integer); create table free (id integer)");
});
afterAll(() => server?.stop());

async function session() {
  const { host, port, user, password } = server;
  const endpoint = { host, port, user, sslMode: "Prefer" } as const;
  return await connect({ endpoint, password, database: "postgres", applicationName: "rule under test" });
}

function check(id: string, run: (sessions: RuleSessions) => Promise<readonly RuleFinding[]>): Check {
  const rule: ServerRule = {
    id,
    title: id,
    scope: "server",
    modes: ["Offline"],
    remedy: "None.",
    check: async () => [],
  };
  return { rule, run };
}

async function outcomesOf(checks: readonly Check[], limitSeconds = 1): Promise<Record<string, RuleOutcome>> {
  const outcomes: Record<string, RuleOutcome> = {};
  await runChecks(checks, {
    open: () => openRuleSessions({ source: session, target: session }, limitSeconds),
    limitSeconds,
    goOn: async () => true,
    settled: async (outcome) => {
      outcomes[outcome.rule.id] = outcome;
    },
  });
  return outcomes;
}

const harmless = (id: string) =>
  check(id, async ({ source, target }) => {
    await Promise.all([source.query("select"), target.query("select")]);
    return [];
  });

describe("a run of rules", () => {
  test("goes on after one that throws, one that hangs in the server and one that hangs here; each says so", async () => {
    const outcomes = await outcomesOf([
      check("throws", async () => {
        throw new Error("no such luck");
      }),
      harmless("after throwing"),
      check("fails in SQL", async ({ source }) => {
        await source.query("select 1 / 0");
        return [];
      }),
      harmless("after failing"),
      check("hangs in the server", async ({ target }) => {
        await target.query("select pg_sleep(600)");
        return [];
      }),
      harmless("after hanging there"),
      check("hangs here", () => new Promise(() => {})),
      harmless("after hanging here"),
    ]);
    const states = Object.entries(outcomes).map(([id, { state }]) => `${id}: ${state}`);
    expect(states).toEqual([
      "throws: Failed",
      "after throwing: Succeeded",
      "fails in SQL: Failed",
      "after failing: Succeeded",
      "hangs in the server: Failed",
      "after hanging there: Succeeded",
      "hangs here: Failed",
      "after hanging here: Succeeded",
    ]);
    expect(outcomes.throws?.findings[0]?.message).toBe("no such luck");
    expect(outcomes["fails in SQL"]?.findings[0]?.message).toContain("division by zero");
    for (const id of ["hangs in the server", "hangs here"]) {
      expect(outcomes[id]?.findings[0]?.message).toContain("did not end within 1 s (VALIDATION_RULE_TIMEOUT_SECONDS)");
    }
    await expect
      .poll(
        async () => await server.query("select query from pg_stat_activity where application_name = 'rule under test'"),
        { timeout: 10_000 },
      )
      .toEqual([]);
  });

  test("lets no rule write, and none wait long for a lock", async () => {
    const locking = await server.connect();
    await locking.query("begin; lock table kept in access exclusive mode");
    const outcomes = await outcomesOf(
      [
        check("writes", async ({ target }) => {
          await target.query("insert into public.free values (1)");
          return [];
        }),
        check("leaves the transaction and writes", async ({ target }) => {
          await target.query("commit");
          await target.query("create table public.unwanted ()");
          return [];
        }),
        check("waits", async ({ source }) => {
          await source.query("select from public.kept");
          return [];
        }),
      ],
      30,
    );
    await locking.end();
    expect(outcomes.writes?.findings[0]?.message).toContain("read-only transaction");
    expect(outcomes["leaves the transaction and writes"]?.findings[0]?.message).toContain("read-only transaction");
    expect(outcomes.waits?.findings[0]?.message).toContain("lock timeout");
  });

  test("tells of both servers when neither can be reached", async () => {
    const closed = async () => {
      throw new Error("closed");
    };
    let findings: readonly RuleFinding[] = [];
    await runChecks([harmless("any")], {
      open: () => openRuleSessions({ source: closed, target: closed }, 1),
      limitSeconds: 1,
      goOn: async () => true,
      settled: async (outcome) => {
        findings = outcome.findings;
      },
    });
    expect(findings.map(({ message }) => message)).toEqual(["closed", "closed"]);
  });
});
