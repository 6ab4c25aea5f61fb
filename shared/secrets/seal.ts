/**
 * Sealing secrets for storage (design invariant 7): AES-256-GCM, with the key's id in front so that keys can be rotated.
 * A sealed text is `v2.<key id>.<nonce>.<tag>.<ciphertext>`, the last three in base64url. It opens only for what it was
 * sealed for: which migration's password, of which side, for whom at which server (status/secrets.ts).
 */
import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync, randomBytes } from "node:crypto";
import { ServiceError } from "../model/service-error.js";
import { settings } from "../settings.js";

type Keys = readonly [Buffer, ...Buffer[]];

/** First 8 hexadecimal digits of the key's SHA-256: names a key and tells nothing about it. */
export function keyId(key: Buffer): string {
  return createHash("sha256").update(key).digest("hex").slice(0, 8);
}

/** Seals `plaintext` with the current key, bound to what it is for. */
export function seal(plaintext: string, purpose: string, keys: Keys = settings().secretsKeys): string {
  const [key] = keys;
  const nonce = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", key, nonce);
  cipher.setAAD(Buffer.from(purpose, "utf8"));
  const ciphertext = Buffer.concat([cipher.update(plaintext, "utf8"), cipher.final()]);
  return ["v2", keyId(key), ...[nonce, cipher.getAuthTag(), ciphertext].map((part) => part.toString("base64url"))].join(
    ".",
  );
}

/**
 * Opens what seal() made, with the current or a previous key.
 * @throws ServiceError SecretsKeyUnknown when its key is not configured any more, SecretsDamaged when it was altered or is for something else.
 */
export function open(sealed: string, purpose: string, keys: Keys = settings().secretsKeys): string {
  const [version, id, nonce, tag, ciphertext, ...rest] = sealed.split(".");
  if (version !== "v2" || !id || !nonce || !tag || ciphertext === undefined || rest.length > 0) throw damaged(purpose);
  const key = keys.find((candidate) => keyId(candidate) === id);
  if (key === undefined) {
    throw new ServiceError(
      "SecretsKeyUnknown",
      `The passwords were sealed with key ${id}, which is not configured: add that key to SECRETS_KEYS_PREVIOUS, or send the passwords again with a PATCH.`,
      { target: purpose },
    );
  }
  try {
    const decipher = createDecipheriv("aes-256-gcm", key, Buffer.from(nonce, "base64url"), { authTagLength: 16 });
    decipher.setAAD(Buffer.from(purpose, "utf8"));
    decipher.setAuthTag(Buffer.from(tag, "base64url"));
    return decipher.update(ciphertext, "base64url", "utf8") + decipher.final("utf8");
  } catch {
    // The cause says nothing that helps, and must not carry ciphertext into a log.
    throw damaged(purpose);
  }
}

/**
 * A keyed fingerprint `<key id>.<hmac>` by which two requests with secrets in them are compared without keeping the secrets.
 * A fingerprint made with a retired key compares as undefined: nobody can tell.
 */
export function fingerprint(text: string, keys: Keys = settings().secretsKeys): string {
  const [key] = keys;
  return `${keyId(key)}.${mac(text, key)}`;
}

/** Whether `text` has this fingerprint; undefined when the key it was made with is not configured any more. */
export function hasFingerprint(text: string, known: string, keys: Keys = settings().secretsKeys): boolean | undefined {
  const [id, hash] = known.split(".");
  const key = keys.find((candidate) => keyId(candidate) === id);
  return key === undefined ? undefined : mac(text, key) === hash;
}

function mac(text: string, key: Buffer): string {
  // A key of its own, so that the sealing key serves one purpose only.
  const derived = Buffer.from(hkdfSync("sha256", key, "", "request fingerprint", 32));
  return createHmac("sha256", derived).update(text, "utf8").digest("base64url");
}

function damaged(purpose: string): ServiceError {
  return new ServiceError(
    "SecretsDamaged",
    "A sealed password cannot be opened: it was altered, or was sealed for something else. Send the passwords again with a PATCH.",
    { target: purpose },
  );
}
