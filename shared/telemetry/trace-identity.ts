/**
 * The identity of a migration's trace. Its steps run in many processes on many machines, and none of them may keep anything for
 * the others: trace and outer spans have IDs that everybody can work out from the names.
 */
import { createHash } from "node:crypto";
import { type SpanContext, TraceFlags } from "@opentelemetry/api";

/** The span of the migration as a whole, or that of one of its databases. */
export function outerSpan(migrationKey: string, database?: string): SpanContext {
  return {
    traceId: digits(`migration ${migrationKey}`, 32),
    spanId: digits(database === undefined ? `migration ${migrationKey}` : `database ${migrationKey} ${database}`, 16),
    traceFlags: TraceFlags.SAMPLED,
    isRemote: true,
  };
}

function digits(text: string, length: number): string {
  return createHash("sha256").update(text).digest("hex").slice(0, length);
}
