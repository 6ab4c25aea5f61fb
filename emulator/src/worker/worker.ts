import { pathToFileURL } from "node:url";
import { format } from "node:util";
import { appFiles } from "./app-files.js";
import { AppRegistry, installCoreModule } from "./core-module.js";
import { runInvocation } from "./invocation.js";
import { type HostMessage, type LogLevel, toInvocationError, type WorkerMessage } from "./protocol.js";

/** The process that one function-app instance is: it loads the app, tells the host what it registered and runs what it is sent. */

const registry = new AppRegistry();

function send(message: WorkerMessage): void {
  if (process.connected) {
    process.send?.(message);
  }
}

function systemLog(level: LogLevel, _category: string, message: string): void {
  send({ kind: "log", level, message });
}

// A terminal's Ctrl-C reaches the whole process group; only the host decides when its instances end.
process.on("SIGINT", () => {});
// The host is gone (killed, crashed): an instance without it must not live on.
process.on("disconnect", () => process.exit(0));

process.on("message", (message: HostMessage) => {
  if (message.kind === "invoke") {
    void invoke(message);
  } else {
    void stop();
  }
});

async function invoke({ request }: Extract<HostMessage, { kind: "invoke" }>): Promise<void> {
  const { invocationId, functionName } = request;
  try {
    const response = await runInvocation(registry, request, (level, _category, message) =>
      send({ kind: "log", level, functionName, invocationId, message }),
    );
    send({ kind: "succeeded", invocationId, response });
  } catch (error) {
    send({ kind: "failed", invocationId, error: toInvocationError(error) });
  }
}

async function stop(): Promise<void> {
  try {
    await registry.runHooks("appTerminate", { hookData: {} });
  } catch (error) {
    systemLog("error", "system", format("The appTerminate hook failed: %s", error));
  }
  process.exit(0);
}

async function load(appDirectory: string): Promise<void> {
  installCoreModule(registry, systemLog);
  for (const file of appFiles(appDirectory)) {
    await import(pathToFileURL(file).href);
  }
  await registry.model.getCapabilities?.({});
  registry.lock();
  await registry.runHooks("appStart", { hookData: {} });
  // Bindings can carry functions or class instances; what the host needs of them is their JSON.
  const functions = [...registry.functions.values()].map(({ metadata }) => metadata);
  send({ kind: "ready", functions: JSON.parse(JSON.stringify(functions)) });
}

load(process.argv[2] ?? process.cwd()).catch((error: unknown) => {
  send({ kind: "unloadable", error: toInvocationError(error) });
});
