import { randomBytes, timingSafeEqual } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import type { AuthLevel } from "./router.js";

const keysFile = z.object({ master: z.string().min(20), default: z.string().min(20), durabletask: z.string().min(20) });

/** The host's access keys: master opens everything, default every function, durabletask Durable's own endpoints. */
export type Keys = z.infer<typeof keysFile>;

/** Reads the keys from DIR/keys.json, or makes them. */
export function readKeys(directory: string): Keys {
  const file = path.join(directory, "keys.json");
  if (existsSync(file)) {
    return keysFile.parse(JSON.parse(readFileSync(file, "utf8")));
  }
  const key = () => randomBytes(40).toString("base64url");
  const keys: Keys = { master: key(), default: key(), durabletask: key() };
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  writeFileSync(file, `${JSON.stringify(keys, null, 2)}\n`, { mode: 0o600 });
  return keys;
}

/** Whether a key (from `?code=` or the header x-functions-key) opens what `level` guards. */
export function opens(keys: Keys, given: string | undefined, level: AuthLevel | "durabletask"): boolean {
  if (level === "anonymous") {
    return true;
  }
  if (given === undefined) {
    return false;
  }
  const accepted =
    level === "function"
      ? [keys.default, keys.master]
      : level === "durabletask"
        ? [keys.durabletask, keys.master]
        : [keys.master];
  return accepted.some((key) => same(key, given));
}

function same(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
