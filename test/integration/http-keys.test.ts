import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Service } from "../../local/service.js";

let service: Service;

beforeAll(async () => {
  service = await Service.start({ instances: 1, args: ["--auth"] });
});
afterAll(() => service?.stop());

const server = "subscriptions/s/resourceGroups/g/providers/Microsoft.DBforPostgreSQL/flexibleServers/target-server";

describe("without a function key", () => {
  it.each([
    ["PUT", "migrations/m"],
    ["GET", "migrations/m"],
    ["PATCH", "migrations/m"],
    ["DELETE", "migrations/m"],
    ["GET", "migrations"],
    ["GET", "migrations/m/tables"],
    ["GET", "migrations/m/databases"],
    ["POST", "checkMigrationNameAvailability"],
    ["POST", "testConnection"],
    ["POST", "listSourceDatabases"],
  ])("%s %s answers 401", async (method, path) => {
    const response = await fetch(`${service.url}/${server}/${path}`, {
      method,
      ...(method === "GET" ? {} : { body: "{}", headers: { "content-type": "application/json" } }),
    });
    expect(response.status).toBe(401);
  });
});
