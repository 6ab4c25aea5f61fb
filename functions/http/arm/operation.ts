/**
 * The operations of the HTTP API: each is registered here with what it takes and answers, so that docs/api.md can be made from what runs
 * (scripts/api-docs.mjs).
 */
import {
  app,
  type HttpMethod,
  type HttpRequest,
  type HttpResponseInit,
  type InvocationContext,
} from "@azure/functions";
import { type DurableClient, app as durable } from "durable-functions";
import type { z } from "zod";
import type { Caller } from "../../../shared/requests/caller.js";
import { type AnswerOptions, answer } from "./answer.js";

export interface Operation extends AnswerOptions {
  /** The function's name. */
  readonly name: string;
  readonly method: HttpMethod;
  readonly route: string;
  /** What it does, in a sentence. */
  readonly summary: string;
  /** Which interface it belongs to: ARM's Migrations, what azure-cli asks beside it, or this service's own. */
  readonly part: "migrations" | "resource manager" | "addition";
  /** Parameters of the query beside api-version, and what they are. */
  readonly query?: Readonly<Record<string, string>>;
  /** The fields of the body. */
  readonly body?: z.ZodType;
  /** By status; a schema where there is a body. */
  readonly answers: Readonly<Record<number, { readonly when: string; readonly body?: z.ZodType }>>;
}

/** A request, the caller it comes from, and its invocation. */
export interface Call {
  readonly request: HttpRequest;
  readonly caller: Caller;
  readonly context: InvocationContext;
}

const registered: Operation[] = [];

/** Every operation that has been registered, in that order. */
export function operations(): readonly Operation[] {
  return registered;
}

/** Registers an operation that needs nothing but the request. */
export function httpOperation(operation: Operation, work: (call: Call) => Promise<HttpResponseInit>): void {
  registered.push(operation);
  app.http(operation.name, {
    methods: [operation.method],
    authLevel: "function",
    route: operation.route,
    handler: (request, context) => answer(request, context, (caller) => work({ request, caller, context }), operation),
  });
}

/** Registers an operation that talks to orchestrations. */
export function durableOperation(
  operation: Operation,
  work: (call: Call & { readonly client: DurableClient }) => Promise<HttpResponseInit>,
): void {
  registered.push(operation);
  durable.client.http(operation.name, {
    methods: [operation.method],
    authLevel: "function",
    route: operation.route,
    handler: (request, client, context) =>
      answer(request, context, (caller) => work({ request, caller, context, client }), operation),
  });
}
