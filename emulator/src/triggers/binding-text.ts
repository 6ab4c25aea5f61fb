/** Replaces `%NAME%` in a binding's text by the app setting of that name. @throws Error when the setting does not exist. */
export function resolveSettings(text: string, environment: NodeJS.ProcessEnv): string {
  return text.replace(/%([^%]+)%/g, (_, name: string) => {
    const value = environment[name];
    if (value === undefined) {
      throw new Error(`The binding names the setting %${name}%, which does not exist.`);
    }
    return value;
  });
}

/**
 * The connection string that a binding's `connection` names; AzureWebJobsStorage when it names none.
 * @throws Error when the setting does not exist
 */
export function connectionString(connection: unknown, environment: NodeJS.ProcessEnv): string {
  const name = typeof connection === "string" && connection !== "" ? connection : "AzureWebJobsStorage";
  const value = environment[name] ?? environment[`AzureWebJobs${name}`];
  if (value === undefined) {
    throw new Error(`The binding's connection "${name}" is not among the settings.`);
  }
  return value;
}
