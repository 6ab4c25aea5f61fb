import type { AppRegistry, CoreInvocationContext, FunctionCallback } from "./core-module.js";
import type { InvocationRequest, InvocationResponse, LogLevel } from "./protocol.js";
import { findRepeatedAction } from "./repeated-actions.js";

/**
 * Runs one function through the programming model, as azure-functions-nodejs-worker's InvocationHandler does: arguments,
 * pre-invocation hooks, the function, post-invocation hooks, response.
 * @throws what the function, a hook or the programming model throws.
 */
export async function runInvocation(
  registry: AppRegistry,
  request: InvocationRequest,
  log: (level: LogLevel, category: string, message: string) => void,
): Promise<InvocationResponse> {
  const registered = registry.functions.get(request.functionName);
  if (registered === undefined) {
    throw new Error(`The app has no function "${request.functionName}".`);
  }
  const { metadata, callback } = registered;
  const core: CoreInvocationContext = {
    invocationId: request.invocationId,
    request,
    metadata,
    state: undefined,
    log,
  };
  const model = registry.model.getInvocationModel(core);
  const { context, inputs } = await model.getArguments();
  const hookData = {};

  const before = { hookData, invocationContext: context, functionCallback: callback, inputs };
  core.state = "preInvocationHooks";
  await registry.runHooks("preInvocation", before);

  const after = await outcomeOf(async () => {
    core.state = "invocation";
    return await model.invokeFunction(context, before.inputs, before.functionCallback as FunctionCallback);
  });
  const afterContext = { hookData, invocationContext: context, inputs: before.inputs, ...after };
  core.state = "postInvocationHooks";
  await registry.runHooks("postInvocation", afterContext);
  core.state = undefined;
  if (afterContext.error !== null && afterContext.error !== undefined) {
    throw afterContext.error;
  }

  const isOrchestrator = Object.values(metadata.bindings).some((binding) => binding.type === "orchestrationTrigger");
  const repeated = isOrchestrator ? findRepeatedAction(afterContext.result) : undefined;
  if (repeated !== undefined) {
    throw new Error(
      `The orchestrator puts the pending task "${repeated}" into a second Task.any or Task.all. The Functions host would run it twice ` +
        "and mix up the results. Yield that task alone, or make a new task.",
    );
  }
  const response = await model.getResponse(context, afterContext.result);
  return { outputData: response.outputData ?? [], returnValue: response.returnValue ?? null };
}

async function outcomeOf(run: () => Promise<unknown>): Promise<{ result: unknown; error: unknown }> {
  try {
    return { result: await run(), error: null };
  } catch (error) {
    return { result: null, error };
  }
}
