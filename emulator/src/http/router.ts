import type { FunctionMetadata } from "../worker/protocol.js";
import {
  compareTemplates,
  matchRoute,
  parseRouteTemplate,
  type RouteTemplate,
  type RouteValues,
} from "./route-template.js";

export type AuthLevel = "anonymous" | "function" | "admin";

export interface HttpRoute {
  functionName: string;
  /** The trigger's binding name. */
  bindingName: string;
  methods: Set<string>;
  template: RouteTemplate;
  authLevel: AuthLevel;
}

export interface RouteMatch {
  route: HttpRoute;
  values: RouteValues;
}

/** The app's HTTP triggers, most specific template first. */
export class Router {
  readonly routes: HttpRoute[];

  /** @param prefix host.json's routePrefix, possibly empty */
  constructor(functions: FunctionMetadata[], prefix: string) {
    this.routes = functions.flatMap((metadata) => {
      const route = httpRoute(metadata, prefix);
      return route === undefined ? [] : [route];
    });
    this.routes.sort((a, b) => compareTemplates(a.template, b.template));
  }

  /** The trigger that answers, or undefined: the Functions host does not tell a wrong method from a wrong path. */
  match(method: string, path: string): RouteMatch | undefined {
    for (const route of this.routes) {
      const values = route.methods.has(method) ? matchRoute(route.template, path) : undefined;
      if (values !== undefined) {
        return { route, values };
      }
    }
    return undefined;
  }
}

function httpRoute(metadata: FunctionMetadata, prefix: string): HttpRoute | undefined {
  const trigger = Object.entries(metadata.bindings).find(([, binding]) => binding.type.toLowerCase() === "httptrigger");
  if (trigger === undefined) {
    return undefined;
  }
  const [bindingName, { methods, route, authLevel }] = trigger;
  const path = typeof route === "string" ? route : metadata.name;
  return {
    functionName: metadata.name,
    bindingName,
    methods: new Set(
      (Array.isArray(methods) ? methods : ["GET", "POST"]).map((method) => String(method).toUpperCase()),
    ),
    template: parseRouteTemplate(prefix === "" ? path : `${prefix}/${path.replace(/^\//, "")}`),
    authLevel: authLevel === "function" || authLevel === "admin" ? authLevel : "anonymous",
  };
}
