/** A span and metrics for every step of a migration. Names and addresses are told, never a password, a statement or a row. */
import { type Attributes, SpanStatusCode } from "@opentelemetry/api";
import type { Outcome } from "../model/outcome.js";
import { context, flushTelemetry, meter, startExporting, trace, tracer } from "./exporters.js";
import { outerSpan } from "./trace-identity.js";

/** What a step is about. */
export interface StepSubject {
  readonly key: string;
  readonly database?: string | undefined;
}

/** Runs a step's work in a span below its database's, or its migration's. What it throws passes through. */
export async function measureStep<T>(
  step: string,
  { key, database }: StepSubject,
  work: () => Promise<Outcome<T>>,
): Promise<Outcome<T>> {
  await startExporting();
  const attributes: Attributes = {
    "migration.key": key,
    "migration.step": step,
    "db.system.name": "postgresql",
    ...(database === undefined ? {} : { "db.namespace": database }),
  };
  const parent = trace.setSpanContext(context.active(), outerSpan(key, database));
  const began = performance.now();
  const span = tracer().startSpan(step, { attributes }, parent);
  let outcome = "succeeded";
  try {
    const result = await context.with(trace.setSpan(parent, span), work);
    if (!result.ok) {
      outcome = "failed";
      // The code only: a message may quote what a server says of a row.
      span.setStatus({ code: SpanStatusCode.ERROR, message: result.failure.code });
    }
    return result;
  } catch (error) {
    outcome = "again";
    span.setStatus({ code: SpanStatusCode.ERROR, message: "will be tried again" });
    throw error;
  } finally {
    span.end();
    const labels = { "migration.key": key, "migration.step": step, "migration.outcome": outcome };
    meter()
      .createHistogram("migration.step.duration", { unit: "s", description: "How long a step took" })
      .record((performance.now() - began) / 1_000, labels);
    if (outcome !== "succeeded") {
      meter()
        .createCounter("migration.step.failures", { description: "Steps that failed or are tried again" })
        .add(1, labels);
    }
    // Not waited for: a collector that is slow or away must not hold up a migration.
    void flushTelemetry();
  }
}
