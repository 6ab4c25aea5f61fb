export const server = "target-server";
export const resourceGroup = "group";
export const subscriptionId = "11111111-1111-1111-1111-111111111111";
export const password = "do-not-repeat-this-password";

/** A request that must be answered 4xx, and what the answer must say. */
export interface RefusedRequest {
  title: string;
  method?: "PUT" | "PATCH" | "DELETE" | "GET" | "POST";
  /** After …/flexibleServers/target-server/; a new migration's path when left out. */
  path?: string;
  headers?: Record<string, string>;
  body?: unknown;
  status?: number;
  /** The field that the answer must name, as error.target or the target of a detail. */
  target?: string;
  /** What it must tell to do. */
  remedy: RegExp;
}

/** A PUT of a new migration that is right but for these properties. */
export function put(
  title: string,
  properties: Record<string, unknown>,
  target: string,
  remedy: RegExp,
  secrets: Record<string, unknown> = {},
): RefusedRequest {
  return { title, body: body(properties, secrets), target, remedy };
}

/** The body of a PUT that would be accepted. */
export function body(properties: Record<string, unknown> = {}, secrets: Record<string, unknown> = {}) {
  return {
    properties: {
      sourceDbServerResourceId: "127.0.0.1:9@reader",
      targetDbServerFullyQualifiedDomainName: "target.example.com:9",
      secretParameters: {
        adminCredentials: { sourceServerPassword: password, targetServerPassword: password },
        targetServerUsername: "writer",
        ...secrets,
      },
      dbsToMigrate: ["shop"],
      ...properties,
    },
  };
}

export const credentials = "properties.secretParameters.adminCredentials";
export const resource = "properties.sourceDbServerResourceId";
export const azureId = "/subscriptions/s/resourceGroups/g/providers/Microsoft.DBforPostgreSQL/servers/single";
