import type { StartOptions } from "./arguments.js";
import { type ClientAddresses, durableClientJson } from "./durable/client-binding.js";
import { Engine } from "./durable/engine.js";
import { type DurableFunction, FunctionRunner } from "./durable/function-runner.js";
import { managementApi } from "./durable/management-api.js";
import type { FunctionKind } from "./durable/replay.js";
import { DurableStore } from "./durable/store.js";
import { type EngineFunction, ExternalEngine } from "./external/external-engine.js";
import type { HostJson } from "./host-json.js";
import { type Keys, readKeys } from "./http/keys.js";
import { Router } from "./http/router.js";
import { type RpcListener, startRpcListener } from "./http/rpc-listener.js";
import { HttpServer, type WebhookHandler } from "./http/server.js";
import { Pool } from "./instances/pool.js";
import type { Log } from "./log.js";
import { durableTables, queueClient } from "./storage/account.js";
import { type Azurite, startAzurite } from "./storage/azurite.js";
import { connectionString, resolveSettings } from "./triggers/binding-text.js";
import { QueueTrigger } from "./triggers/queue.js";
import { writeQueueOutputs } from "./triggers/queue-output.js";
import { TimerTrigger } from "./triggers/timer.js";
import type { Binding, FunctionMetadata, InvocationResponse, NamedData } from "./worker/protocol.js";

const GRACE_MS = 2_000;
/** An external engine gives back what it holds in the storage account, partition by partition. */
const EXTERNAL_GRACE_MS = 15_000;
const STORAGE_SETTING = "AzureWebJobsStorage";
const USE_DEVELOPMENT_STORAGE = "UseDevelopmentStorage=true";

export interface HostOptions
  extends Pick<StartOptions, "port" | "instances" | "storageDirectory" | "appDirectory" | "auth" | "engine"> {
  hostJson: HostJson;
  /** The workers' settings, as the settings file and the process environment make them. */
  environment: NodeJS.ProcessEnv;
  log: Log;
}

/** The Functions host: HTTP, timers, queues, the Durable engine and the worker processes. */
export class Host {
  readonly #options: HostOptions;
  readonly #server: HttpServer;
  #azurite: Azurite | undefined;
  #rpc: RpcListener | undefined;
  #pool: Pool | undefined;
  #engine: Engine | undefined;
  #external: ExternalEngine | undefined;
  #timers: TimerTrigger[] = [];
  #queues: QueueTrigger[] = [];
  #functions = new Map<string, FunctionMetadata>();
  #addresses: ClientAddresses | undefined;
  #environment: NodeJS.ProcessEnv = {};
  keys: Keys | undefined;

  constructor(options: HostOptions) {
    this.#options = options;
    this.#server = new HttpServer(options.log);
  }

  /** The functions that the app registered. */
  get functions(): FunctionMetadata[] {
    return [...this.#functions.values()];
  }

  /**
   * Starts everything; after a failure call `stop` to undo what had started.
   * @returns the port it serves on
   * @throws Error that says what to do about it
   */
  async start(): Promise<number> {
    const { log, hostJson, instances, appDirectory, auth, storageDirectory } = this.#options;
    const { durableTask, http } = hostJson.extensions;
    const port = await this.#server.listen(this.#options.port);
    const storage = await this.#storage();
    this.keys = auth ? readKeys(storageDirectory) : undefined;
    this.#rpc = await startRpcListener();
    this.#environment = workerEnvironment(this.#options.environment, storage, port);
    this.#addresses = {
      publicOrigin: `http://127.0.0.1:${port}`,
      rpcBaseUrl: this.#rpc.baseUrl,
      hubName: durableTask.hubName,
      systemKey: this.keys?.durabletask,
    };
    const pool = new Pool({
      instances,
      appDirectory,
      environment: this.#environment,
      functionTimeoutMs: hostJson.functionTimeout,
      maxConcurrentActivities: durableTask.maxConcurrentActivityFunctions,
      maxConcurrentOrchestrators: durableTask.maxConcurrentOrchestratorFunctions,
      log,
    });
    this.#pool = pool;
    const functions = await pool.start();
    this.#functions = new Map(functions.map((metadata) => [metadata.name, metadata]));
    this.#prepareTriggers(pool);
    const { engine } = this.#options;
    const durable =
      engine === undefined
        ? await this.#startEngine(pool, storage, this.#addresses)
        : await this.#startExternalEngine(engine, pool, storage, this.#addresses);
    this.#rpc.serve(durable);
    this.#server.serve({
      router: new Router(functions, http.routePrefix),
      pool,
      keys: this.keys,
      durable,
      extraInputs: (name) => this.#extraInputs(this.#functions.get(name)),
      writeOutputs: (name, response) => this.#writeOutputs(name, response),
    });
    for (const trigger of [...this.#timers, ...this.#queues]) {
      trigger.start();
    }
    return port;
  }

  /** Takes no more work, gives what runs two seconds, ends the workers, stores what is known and stops Azurite. */
  async stop(): Promise<void> {
    this.#engine?.quiesce();
    for (const timer of this.#timers) {
      timer.stop();
    }
    const queues = Promise.all(this.#queues.map((queue) => queue.stop()));
    const closed = this.#server.close(GRACE_MS);
    await this.#external?.stop(EXTERNAL_GRACE_MS);
    await this.#pool?.stop(GRACE_MS);
    await Promise.all([queues, closed]);
    this.#rpc?.close();
    await this.#engine?.flush();
    await this.#azurite?.stop();
  }

  async #storage(): Promise<string> {
    const setting = this.#options.environment[STORAGE_SETTING] ?? USE_DEVELOPMENT_STORAGE;
    if (setting !== USE_DEVELOPMENT_STORAGE) {
      return setting;
    }
    this.#azurite = await startAzurite(this.#options.storageDirectory);
    return this.#azurite.connectionString;
  }

  async #startEngine(pool: Pool, storage: string, addresses: ClientAddresses): Promise<WebhookHandler> {
    const { log, hostJson } = this.#options;
    const { durableTask } = hostJson.extensions;
    const store = new DurableStore(durableTables(storage, durableTask.hubName), durableTask.hubName);
    await store.open();
    const runner = new FunctionRunner({ pool, log, find: (kind, name) => this.#durableFunction(kind, name) });
    this.#engine = new Engine({ store, runner, log, limits: durableTask, defaultVersion: durableTask.defaultVersion });
    await this.#engine.recover();
    return managementApi(this.#engine, store, addresses);
  }

  async #startExternalEngine(
    program: string,
    pool: Pool,
    storage: string,
    addresses: ClientAddresses,
  ): Promise<WebhookHandler> {
    const { log } = this.#options;
    this.#external = await ExternalEngine.start({
      program,
      storage,
      webhookUrl: `${addresses.publicOrigin}/runtime/webhooks/durabletask`,
      extensions: this.#extensionsOfAllInstances(),
      functions: this.functions.flatMap((metadata) => this.#engineFunction(metadata)),
      pool,
      log,
      find: (name) => {
        const metadata = this.#functions.get(name);
        if (metadata === undefined) {
          return undefined;
        }
        const [bindingName, { type }] = triggerOf(metadata);
        const kind =
          type === "activityTrigger" ? "activity" : type === "orchestrationTrigger" ? "orchestrator" : "other";
        return { kind, bindingName, extraInputs: this.#extraInputs(metadata) };
      },
      writeOutputs: (name, response) => this.#writeOutputs(name, response),
    });
    this.#addresses = { ...addresses, rpcBaseUrl: this.#external.rpcBaseUrl };
    return this.#external.handle;
  }

  /** An external engine stands for the hosts of all instances: what is limited per instance is limited once. */
  #extensionsOfAllInstances(): object {
    const { hostJson, instances } = this.#options;
    const { maxConcurrentActivityFunctions, maxConcurrentOrchestratorFunctions } = hostJson.extensions.durableTask;
    const extensions = hostJson.source.extensions ?? {};
    return {
      ...extensions,
      durableTask: {
        ...extensions.durableTask,
        maxConcurrentActivityFunctions: maxConcurrentActivityFunctions * instances,
        maxConcurrentOrchestratorFunctions: maxConcurrentOrchestratorFunctions * instances,
      },
    };
  }

  #engineFunction(metadata: FunctionMetadata): EngineFunction[] {
    const { name } = metadata;
    const [, { type, queueName }] = triggerOf(metadata);
    switch (type) {
      case "orchestrationTrigger":
        return [{ name, kind: "orchestrator", queue: null }];
      case "activityTrigger":
        return [{ name, kind: "activity", queue: null }];
      case "queueTrigger":
        return [{ name, kind: "queue", queue: resolveSettings(String(queueName), this.#environment) }];
      default:
        return [];
    }
  }

  #prepareTriggers(pool: Pool): void {
    const { log, hostJson } = this.#options;
    const { queues: settings } = hostJson.extensions;
    for (const metadata of this.#functions.values()) {
      const [bindingName, binding] = triggerOf(metadata);
      const common = {
        functionName: metadata.name,
        bindingName,
        extraInputs: this.#extraInputs(metadata),
        pool,
        log,
        writeOutputs: (name: string, response: InvocationResponse) => this.#writeOutputs(name, response),
      };
      switch (binding.type) {
        case "timerTrigger": {
          const schedule = resolveSettings(String(binding.schedule), this.#environment);
          this.#timers.push(new TimerTrigger({ ...common, schedule, runOnStartup: binding.runOnStartup === true }));
          break;
        }
        case "queueTrigger": {
          if (this.#options.engine !== undefined) {
            break;
          }
          const queueName = resolveSettings(String(binding.queueName), this.#environment);
          const connection = connectionString(binding.connection, this.#environment);
          this.#queues.push(
            new QueueTrigger({
              ...common,
              settings,
              queue: queueClient(connection, queueName),
              poisonQueue: queueClient(connection, `${queueName}-poison`),
            }),
          );
          break;
        }
        case "httpTrigger":
        case "activityTrigger":
        case "orchestrationTrigger":
          break;
        default:
          log.warn(
            "Host",
            `${metadata.name}: ${binding.type} is not supported by this local host; the function never runs.`,
          );
      }
    }
  }

  #durableFunction(kind: FunctionKind, name: string): DurableFunction | undefined {
    const metadata = this.functions.find((known) => known.name.toLowerCase() === name.toLowerCase());
    if (metadata === undefined) {
      return undefined;
    }
    const [bindingName, { type }] = triggerOf(metadata);
    const wanted = kind === "activity" ? "activityTrigger" : "orchestrationTrigger";
    return type === wanted ? { name: metadata.name, bindingName, extraInputs: this.#extraInputs(metadata) } : undefined;
  }

  #extraInputs(metadata: FunctionMetadata | undefined): NamedData[] {
    const addresses = this.#addresses;
    return Object.entries(metadata?.bindings ?? {}).flatMap(([name, { type }]) =>
      type === "durableClient" && addresses !== undefined
        ? [{ name, data: { string: durableClientJson(addresses) } }]
        : [],
    );
  }

  async #writeOutputs(functionName: string, response: InvocationResponse): Promise<void> {
    const metadata = this.#functions.get(functionName);
    if (metadata !== undefined) {
      const { messageEncoding } = this.#options.hostJson.extensions.queues;
      await writeQueueOutputs(metadata, response, messageEncoding, (queueName, connection) =>
        queueClient(connectionString(connection, this.#environment), resolveSettings(queueName, this.#environment)),
      );
    }
  }
}

/** What `func start` lists: the trigger and, for HTTP, how to reach it. */
export function describeFunction(metadata: FunctionMetadata, routePrefix: string, origin: string): string {
  const [, binding] = triggerOf(metadata);
  if (binding.type !== "httpTrigger") {
    return `${metadata.name}: ${binding.type}`;
  }
  const methods = Array.isArray(binding.methods) ? binding.methods.join(",") : "GET,POST";
  const route = typeof binding.route === "string" ? binding.route : metadata.name;
  return `${metadata.name}: [${methods}] ${[origin, routePrefix, route].filter((part) => part !== "").join("/")}`;
}

function triggerOf(metadata: FunctionMetadata): [name: string, binding: Binding] {
  const trigger = Object.entries(metadata.bindings).find(([, { type }]) => type.toLowerCase().endsWith("trigger"));
  if (trigger === undefined) {
    throw new Error(`The function "${metadata.name}" has no trigger.`);
  }
  return trigger;
}

function workerEnvironment(settings: NodeJS.ProcessEnv, storage: string, port: number): NodeJS.ProcessEnv {
  const environment = {
    ...settings,
    [STORAGE_SETTING]: storage,
    WEBSITE_HOSTNAME: `127.0.0.1:${port}`,
    AZURE_FUNCTIONS_ENVIRONMENT: "Development",
    FUNCTIONS_WORKER_RUNTIME: "node",
  };
  // Other settings that mean the same storage get the address at which it really is.
  for (const [name, value] of Object.entries(settings)) {
    if (value === USE_DEVELOPMENT_STORAGE) {
      Object.assign(environment, { [name]: storage });
    }
  }
  return environment;
}
