/** The body of POST …/statements/retry: whose password the statements are applied with. */
import { z } from "zod";
import { documented } from "./documented.js";
import { RequestError, type RequestProblem, refuseIfAny } from "./request-error.js";
import { isObject, knownObject, readProperties } from "./request-properties.js";
import { TargetPassword, TargetUserName } from "./server-fields.js";

export interface RetryRequest {
  readonly password: string;
  /** Another user than the migration's, who may do more. */
  readonly user?: string;
}

const shape = {
  secretParameters: knownObject(
    {
      adminCredentials: knownObject(
        {
          targetServerPassword: documented(TargetPassword, "Password of the target's user."),
          sourceServerPassword: documented(z.string().optional(), "Not read."),
        },
        "give targetServerPassword in it",
      ),
      targetServerUsername: documented(
        TargetUserName.optional(),
        "Another user than the migration's, who may do more.",
      ),
      sourceServerUsername: documented(z.string().optional(), "Not read."),
    },
    "give adminCredentials with the target's password in it: the migration's own was deleted when it ended",
  ),
};

/** The body, for the API's description. */
export const RetryBody = z.object({ properties: z.object(shape) });

/** @throws RequestError 400 with one detail for every problem */
export function parseRetryRequest(body: unknown): RetryRequest {
  if (!isObject(body) || !isObject(body.properties)) {
    throw new RequestError(
      400,
      "InvalidRequest",
      'The body must be a JSON object with the target\'s password in it: {"properties": {"secretParameters": {"adminCredentials": {"targetServerPassword": "…"}}}}.',
      { target: "properties" },
    );
  }
  const problems: RequestProblem[] = [];
  readProperties(body, { properties: z.unknown() }, { path: "", problems });
  const { secretParameters } = readProperties(body.properties, shape, { path: "properties", problems });
  refuseIfAny(problems);
  if (secretParameters === undefined) throw new Error("A request without problems lacks a required field.");
  const { adminCredentials, targetServerUsername: user } = secretParameters;
  return { password: adminCredentials.targetServerPassword, ...(user === undefined ? {} : { user }) };
}
