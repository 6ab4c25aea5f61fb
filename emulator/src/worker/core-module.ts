import Module from "node:module";
import type { FunctionMetadata, InvocationRequest, InvocationResponse, LogLevel } from "./protocol.js";

/**
 * The built-in module `@azure/functions-core` that the Functions Node worker injects, and what the app registers through it.
 * The shapes follow azure-functions-nodejs-worker, src/setupCoreModule.ts.
 */

export type HookName = "preInvocation" | "postInvocation" | "appStart" | "appTerminate" | "log";
export type Hook = (context: Record<string, unknown>) => unknown;
export type FunctionCallback = (...args: unknown[]) => unknown;

/** The programming model's view of one invocation (`@azure/functions` implements it). */
export interface InvocationModel {
  getArguments(): Promise<{ context: unknown; inputs: unknown[] }>;
  invokeFunction(context: unknown, inputs: unknown[], handler: FunctionCallback): Promise<unknown>;
  getResponse(context: unknown, result: unknown): Promise<Partial<InvocationResponse>>;
}

export interface CoreInvocationContext {
  invocationId: string;
  request: InvocationRequest;
  metadata: FunctionMetadata;
  state: "preInvocationHooks" | "invocation" | "postInvocationHooks" | undefined;
  log(level: LogLevel, category: string, message: string): void;
}

export interface ProgrammingModel {
  name: string;
  version: string;
  getInvocationModel(context: CoreInvocationContext): InvocationModel;
  getCapabilities?(capabilities: Record<string, string>): Promise<Record<string, string>>;
}

export interface RegisteredFunction {
  metadata: FunctionMetadata;
  callback: FunctionCallback;
}

const HOOK_NAMES: ReadonlySet<string> = new Set(["preInvocation", "postInvocation", "appStart", "appTerminate", "log"]);

export class AppRegistry {
  readonly functions = new Map<string, RegisteredFunction>();
  readonly #hooks = new Map<HookName, Hook[]>();
  #model: ProgrammingModel | undefined;
  #locked = false;

  /** From here on, functions can no longer be registered: the host has been told which there are. */
  lock(): void {
    this.#locked = true;
  }

  register(metadata: FunctionMetadata, callback: FunctionCallback): void {
    if (this.#locked) {
      throw new Error(
        `Function "${metadata.name}" was registered after the app had started; register it while loading.`,
      );
    }
    if (this.functions.has(metadata.name)) {
      throw new Error(`A function named "${metadata.name}" is registered twice.`);
    }
    this.functions.set(metadata.name, { metadata, callback });
  }

  get model(): ProgrammingModel {
    if (this.#model === undefined) {
      throw new Error("The app did not load @azure/functions: there is no programming model.");
    }
    return this.#model;
  }

  setModel(model: ProgrammingModel): void {
    this.#model = model;
  }

  addHook(name: string, hook: Hook): { dispose(): void } {
    if (!HOOK_NAMES.has(name)) {
      throw new RangeError(`Unrecognized hook "${name}"`);
    }
    const list = this.#hooks.get(name as HookName) ?? [];
    this.#hooks.set(name as HookName, list);
    list.push(hook);
    return { dispose: () => list.splice(list.indexOf(hook), 1) };
  }

  async runHooks(name: HookName, context: Record<string, unknown>): Promise<void> {
    for (const hook of this.#hooks.get(name) ?? []) {
      await hook(context);
    }
  }
}

/** Makes `require("@azure/functions-core")` answer with a module that fills `registry`. Call it before any app code loads. */
export function installCoreModule(
  registry: AppRegistry,
  log: (level: LogLevel, category: string, message: string) => void,
): void {
  class Disposable {
    constructor(readonly dispose: () => void) {}
  }
  const core = {
    version: "4.0.0-emulator",
    hostVersion: "4.1000.0.0",
    workerVersion: "4.0.0-emulator",
    registerFunction(metadata: FunctionMetadata, callback: FunctionCallback) {
      registry.register(metadata, callback);
      return new Disposable(() => registry.functions.delete(metadata.name));
    },
    setProgrammingModel: (model: ProgrammingModel) => registry.setModel(model),
    getProgrammingModel: () => registry.model,
    registerHook: (name: string, hook: Hook) => registry.addHook(name, hook),
    log,
    Disposable,
  };
  const load = Module.prototype.require;
  Module.prototype.require = function (this: NodeModule, id: string): unknown {
    return id === "@azure/functions-core" ? core : load.call(this, id);
  } as typeof load;
}
