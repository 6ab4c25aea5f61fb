/** `notifications` of a migration: where its changes of state are sent to by HTTP, beside the queue. */
import { z } from "zod";
import { documented } from "./documented.js";
import { fieldError, knownObject } from "./request-properties.js";

/** Characters; what sits in a queue message together with an event. */
const longestUrl = 2_000;
const shortestSecret = 16;

const Url = z
  .string(fieldError("give the address that events are to be sent to", "must be a string"))
  .superRefine((text, context) => {
    const complain = (message: string) => context.addIssue({ code: "custom", message });
    if (text.length > longestUrl) return complain(`has more than ${longestUrl} characters: use a shorter address`);
    if (!URL.canParse(text)) return complain("is no address: write e.g. https://hooks.example.com/migrations");
    const { protocol, username, password } = new URL(text);
    if (protocol !== "https:" && protocol !== "http:") return complain("must begin with https:// or http://");
    if (username !== "" || password !== "") {
      complain("has a user or password in it: leave them out, and give `secret`, which signs what is sent");
    }
  });

const Secret = z
  .string({ error: "must be a string" })
  .min(shortestSecret, { error: `has fewer than ${shortestSecret} characters: choose a longer one` })
  .max(1_000, { error: "has more than 1000 characters: choose a shorter one" });

export const Notifications = knownObject(
  {
    url: documented(Url, "Where events are sent to. Only its origin is answered: a path may be a key.", {
      added: true,
    }),
    secret: documented(Secret.optional(), "Signs every event (HMAC-SHA256). Sealed, never answered.", { added: true }),
  },
  "give url in it",
);

export interface Notifications {
  readonly url: string;
  readonly secret?: string | undefined;
}
