/**
 * How an activity function answers its orchestration. What another attempt would meet again is an answer; what may go away by itself is thrown, and
 * Durable tries again. A step on a database stops when the database is being cancelled.
 */
import type { InvocationContext } from "@azure/functions";
import * as df from "durable-functions";
import type { z } from "zod";
import { type Failure, type Outcome, platformFault } from "../../shared/model/outcome.js";
import type { DatabaseRun, DatabaseStep, StepName, Steps } from "../../shared/model/steps.js";
import { isTransient } from "../../shared/postgres/transient.js";
import { failureOf } from "../../shared/run/failure-of.js";
import { givingWay } from "../../shared/run/give-way.js";
import { noteStep } from "../../shared/run/note-step.js";
import { untilCanceled } from "../../shared/run/until-canceled.js";
import { isPlatformFault } from "../../shared/status/platform-fault.js";
import { measureStep, type StepSubject } from "../../shared/telemetry/measure-step.js";

/** Registers a step of the migration as a whole. */
export function migrationStep<S extends StepName>(
  name: S,
  input: z.ZodType<Steps[S]["input"]>,
  work: (input: Steps[S]["input"], context: InvocationContext) => Promise<Steps[S]["output"]>,
): void {
  df.app.activity(name, {
    extraInputs: [df.input.durableClient()],
    handler: (raw: unknown, context: InvocationContext) => {
      const run = input.parse(raw);
      return answer(name, context, subjectOf(run), () => work(run, context));
    },
  });
}

/** Registers a step on one database: it ends early when the database is being cancelled. */
export function databaseStep<S extends StepName>(
  name: S,
  input: z.ZodType<Steps[S]["input"] & DatabaseStep>,
  work: (input: Steps[S]["input"] & DatabaseStep, context: InvocationContext) => Promise<Steps[S]["output"]>,
): void {
  df.app.activity(name, {
    extraInputs: [df.input.durableClient()],
    handler: (raw: unknown, context: InvocationContext) => {
      const run = input.parse(raw);
      return answer(
        name,
        context,
        run,
        () => untilCanceled(run, () => work(run, context)),
        (failure) => noteStep(run, `trying again after: ${failure.message}`),
      );
    },
  });
}

/** Registers a step of a base copy, which gives way to sessions of the source that wait for its tables. */
export function copyStep<S extends StepName>(
  name: S,
  input: z.ZodType<Steps[S]["input"] & DatabaseRun>,
  work: (input: Steps[S]["input"] & DatabaseRun, context: InvocationContext) => Promise<Steps[S]["output"]>,
): void {
  databaseStep(name, input as z.ZodType<Steps[S]["input"] & DatabaseStep>, (run, context) => {
    const copyRun = run as Steps[S]["input"] & DatabaseRun;
    return givingWay(copyRun, () => work(copyRun, context));
  });
}

/** @param noteRetry tells people what is waited for when Durable is about to try again. */
async function answer<T>(
  name: string,
  context: InvocationContext,
  subject: StepSubject,
  work: () => Promise<T>,
  noteRetry: (failure: Failure) => Promise<void> = async () => {},
): Promise<Outcome<T>> {
  return await measureStep(name, subject, () => outcomeOf(name, context, work, noteRetry));
}

/** What a step of the migration as a whole is about: some of them are about one database. */
function subjectOf(input: unknown): StepSubject {
  const fields = typeof input === "object" && input !== null ? input : {};
  const text = (name: string) => Object.entries(fields).find(([field]) => field === name)?.[1];
  const [key, database] = [text("key"), text("database")];
  return { key: typeof key === "string" ? key : "", database: typeof database === "string" ? database : undefined };
}

async function outcomeOf<T>(
  name: string,
  context: InvocationContext,
  work: () => Promise<T>,
  noteRetry: (failure: Failure) => Promise<void>,
): Promise<Outcome<T>> {
  try {
    return { ok: true, value: await work() };
  } catch (error) {
    const failure = failureOf(error);
    if (isTransient(error)) {
      context.warn(`${name}: ${failure.message} It will be tried again.`);
      if (isPlatformFault(error)) throw new Error(`${platformFault} ${oneLine(failure.message)}`);
      // Whoever is told of a server that does not answer can do without it while the storage account does not either.
      await noteRetry(failure).catch(() => {});
      // Durable keeps the message in its history: ours, which holds no secret, not whatever the cause carries along.
      // In one line: the orchestration takes what follows for a stack.
      throw new Error(oneLine(failure.message));
    }
    context.error(`${name}: ${failure.message}`);
    return { ok: false, failure };
  }
}

function oneLine(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, " ");
}
