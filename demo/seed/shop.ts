import { createRoles, inNewDatabase, type SeedServer } from "./seed-server.js";
import { shopData } from "./shop-data.js";
import { shopSchema } from "./shop-schema.js";

/** Roles that own objects or hold grants in the shop; those on the target must be created there before. */
export const shopRoles = { onBothServers: ["shop_owner", "shop_reader"], onSourceOnly: ["shop_auditor"] } as const;

/** A rich schema: about every kind of object that an application's database has. `scale` 1 is about 20 MB. */
export async function seedShop(server: SeedServer, options: { database?: string; scale?: number } = {}): Promise<void> {
  await createRoles(server, [...shopRoles.onBothServers, ...shopRoles.onSourceOnly]);
  await inNewDatabase(server, options.database ?? "shop", async (client) => {
    await client.query(shopSchema);
    await client.query(shopData.replaceAll("$scale", String(options.scale ?? 1)));
  });
}

/** What an administrator does on the target before a migration: the roles of the shop that are to exist there. */
export async function prepareShopTarget(server: SeedServer): Promise<void> {
  await createRoles(server, shopRoles.onBothServers);
}
