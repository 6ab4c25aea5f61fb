/** Who a request comes from, as App Service's sign-in tells (learn.microsoft.com, "Work with user identities in Azure App Service authentication"). */
import type { HttpRequest } from "@azure/functions";
import { z } from "zod";
import { RequestError } from "../../../shared/model/request-error.js";
import { type Caller, unknownCaller } from "../../../shared/requests/caller.js";
import { settings } from "../../../shared/settings.js";

/** What a request needs: Write implies Read. */
export type Access = "Read" | "Write";

const Principal = z.object({
  claims: z.array(z.object({ typ: z.string(), val: z.string() })).default([]),
  name_typ: z.string().optional(),
  role_typ: z.string().optional(),
});

const nameClaims = ["preferred_username", "name", "appid", "azp"];
const roleClaims = ["roles", "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"];

/**
 * The caller, who has the app role that the request needs. Without the platform's sign-in a function key is all that is asked for, and the header,
 * which anybody could send then, is not read.
 * @throws RequestError 401 when nobody is signed in, 403 without the role
 */
export function signedInCaller(request: HttpRequest, access: Access): Caller {
  if (!settings().platformSignIn) return unknownCaller;
  const caller = callerIn(request.headers.get("x-ms-client-principal"));
  if (caller === undefined) {
    throw new RequestError(
      401,
      "AuthenticationRequired",
      "Nobody is signed in: send a bearer token of the app's Entra application.",
      { target: "Authorization" },
    );
  }
  if (caller.roles.has("Migrations.Write") || (access === "Read" && caller.roles.has("Migrations.Read"))) return caller;
  const needed = access === "Read" ? "Migrations.Read or Migrations.Write" : "Migrations.Write";
  throw new RequestError(
    403,
    "AuthorizationFailed",
    `${caller.name ?? "The caller"} has not the app role ${needed}: have it assigned in the app's Entra application.`,
    { target: "Authorization" },
  );
}

function callerIn(header: string | null): Caller | undefined {
  if (header === null) return undefined;
  let claims: unknown;
  try {
    claims = JSON.parse(Buffer.from(header, "base64").toString("utf8"));
  } catch {
    return undefined;
  }
  const principal = Principal.safeParse(claims);
  if (!principal.success) return undefined;
  const { claims: list, name_typ, role_typ } = principal.data;
  const valuesOf = (types: readonly (string | undefined)[]) =>
    types.flatMap((type) => list.filter(({ typ }) => typ === type).map(({ val }) => val));
  const name = valuesOf([name_typ, ...nameClaims])[0];
  // Lines of the audit are told apart by their ends.
  return { name: name?.replaceAll(/\p{Cc}/gu, " ").slice(0, 200), roles: new Set(valuesOf([role_typ, ...roleClaims])) };
}
