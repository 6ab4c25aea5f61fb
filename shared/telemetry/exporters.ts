/**
 * Where traces and metrics go: to an OpenTelemetry collector, as OTEL_EXPORTER_OTLP_ENDPOINT and its kin say, and to Application
 * Insights, as APPLICATIONINSIGHTS_CONNECTION_STRING says. Without either nothing is loaded, and nothing is measured.
 */
import { randomBytes } from "node:crypto";
import { context, metrics, type SpanContext, trace } from "@opentelemetry/api";
import type { PushMetricExporter } from "@opentelemetry/sdk-metrics";
import type { SpanExporter } from "@opentelemetry/sdk-trace-node";
import { settings } from "../settings.js";

/** IDs for the next span of this process, where it must have those that others know it by. */
let pinned: SpanContext | undefined;

let started: Promise<{ flush(): Promise<void> } | undefined> | undefined;

/** Starts exporting, on the first call. */
export async function startExporting(): Promise<void> {
  started ??= toCollector() || toApplicationInsights() ? start() : Promise.resolve(undefined);
  await started;
}

/** Sends what has been measured so far: an instance may be gone the next moment. */
export async function flushTelemetry(): Promise<void> {
  // A collector that is away is no failure of the migration.
  await (await started)?.flush().catch(() => {});
}

/** Runs `start`, in which a span is started that gets these IDs. */
export function withSpanIds<T>(ids: SpanContext, start: () => T): T {
  pinned = ids;
  try {
    return start();
  } finally {
    pinned = undefined;
  }
}

function toApplicationInsights(): boolean {
  return Boolean(process.env.APPLICATIONINSIGHTS_CONNECTION_STRING);
}

function toCollector(): boolean {
  const { OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, OTEL_EXPORTER_OTLP_METRICS_ENDPOINT } =
    process.env;
  return Boolean(
    OTEL_EXPORTER_OTLP_ENDPOINT || OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || OTEL_EXPORTER_OTLP_METRICS_ENDPOINT,
  );
}

async function start(): Promise<{ flush(): Promise<void> }> {
  const [traces, meters, resources] = await Promise.all([
    import("@opentelemetry/sdk-trace-node"),
    import("@opentelemetry/sdk-metrics"),
    import("@opentelemetry/resources"),
  ]);
  const exporters = [
    ...(toCollector() ? [await collectorExporters()] : []),
    ...(toApplicationInsights() ? [await applicationInsightsExporters()] : []),
  ];
  const resource = resources.resourceFromAttributes({
    "service.name": process.env.OTEL_SERVICE_NAME || process.env.WEBSITE_SITE_NAME || "postgres-migration-service",
    "service.instance.id": settings().instance,
  });
  const tracers = new traces.NodeTracerProvider({
    resource,
    idGenerator: {
      generateTraceId: () => pinned?.traceId ?? randomBytes(16).toString("hex"),
      generateSpanId: () => pinned?.spanId ?? randomBytes(8).toString("hex"),
    },
    spanProcessors: exporters.map((one) => new traces.BatchSpanProcessor(one.spans)),
  });
  const readers = exporters.map((one) => new meters.PeriodicExportingMetricReader({ exporter: one.metrics }));
  const meterProvider = new meters.MeterProvider({ resource, readers });
  tracers.register();
  metrics.setGlobalMeterProvider(meterProvider);
  return {
    async flush() {
      await Promise.all([tracers.forceFlush(), meterProvider.forceFlush()]);
    },
  };
}

interface Exporters {
  readonly spans: SpanExporter;
  readonly metrics: PushMetricExporter;
}

async function collectorExporters(): Promise<Exporters> {
  const { OTLPTraceExporter } = await import("@opentelemetry/exporter-trace-otlp-http");
  const { OTLPMetricExporter } = await import("@opentelemetry/exporter-metrics-otlp-http");
  return { spans: new OTLPTraceExporter(), metrics: new OTLPMetricExporter() };
}

async function applicationInsightsExporters(): Promise<Exporters> {
  const { AzureMonitorTraceExporter, AzureMonitorMetricExporter } = await import(
    "@azure/monitor-opentelemetry-exporter"
  );
  // The same words by which the Functions host is told to use an identity.
  const byIdentity = /Authorization=AAD/i.test(process.env.APPLICATIONINSIGHTS_AUTHENTICATION_STRING ?? "");
  const { DefaultAzureCredential } = await import("@azure/identity");
  const options = byIdentity ? { credential: new DefaultAzureCredential() } : {};
  return { spans: new AzureMonitorTraceExporter(options), metrics: new AzureMonitorMetricExporter(options) };
}

/** The tracer and the meter of everything here; they do nothing as long as nothing is exported. */
export const tracer = () => trace.getTracer("postgres-migration-service");
export const meter = () => metrics.getMeter("postgres-migration-service");
export { context, trace };
