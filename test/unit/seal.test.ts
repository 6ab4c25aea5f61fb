import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fingerprint, hasFingerprint, keyId, open, seal } from "../../shared/secrets/seal.js";

const key = randomBytes(32);
const newer = randomBytes(32);
const secret = fc.string({ unit: "grapheme" });

describe("a sealed secret", () => {
  it("opens to what it was, and never contains it", () => {
    fc.assert(
      fc.property(secret, fc.string(), (plaintext, migration) => {
        const sealed = seal(plaintext, migration, [key]);
        expect(open(sealed, migration, [key])).toBe(plaintext);
        if (plaintext.length > 8) expect(sealed).not.toContain(plaintext);
        expect(seal(plaintext, migration, [key])).not.toBe(sealed);
      }),
    );
  });

  it("opens after the key was rotated, as long as the old one is configured", () => {
    const sealed = seal("password", "m", [key]);
    expect(open(sealed, "m", [newer, key])).toBe("password");
    expect(() => open(sealed, "m", [newer])).toThrow(
      expect.objectContaining({ code: "SecretsKeyUnknown", message: expect.stringContaining(keyId(key)) }),
    );
  });

  it("does not open for another migration, or altered anywhere", () => {
    const sealed = seal("password", "server_one", [key]);
    expect(() => open(sealed, "server_two", [key])).toThrow(expect.objectContaining({ code: "SecretsDamaged" }));
    const [version, id, ...parts] = sealed.split(".");
    parts.forEach((part, index) => {
      const bytes = Buffer.from(part, "base64url");
      bytes[0] = (bytes[0] ?? 0) ^ 1;
      const altered = [version, id, ...parts.with(index, bytes.toString("base64url"))].join(".");
      expect(() => open(altered, "server_one", [key])).toThrow(expect.objectContaining({ code: "SecretsDamaged" }));
    });
    for (const nonsense of ["", "v2", "v1.a.b.c.d", `${sealed}.more`]) {
      expect(() => open(nonsense, "server_one", [key])).toThrow(expect.objectContaining({ code: "SecretsDamaged" }));
    }
  });
});

describe("a fingerprint", () => {
  it("is that of the same text only, whichever configured key made it", () => {
    fc.assert(
      fc.property(secret, secret, (one, other) => {
        const known = fingerprint(one, [key]);
        expect(hasFingerprint(other, known, [newer, key])).toBe(one === other);
      }),
    );
  });

  it("cannot be judged when its key is gone", () => {
    expect(hasFingerprint("text", fingerprint("text", [key]), [newer])).toBeUndefined();
  });
});
