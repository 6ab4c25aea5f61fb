/** Who a request comes from, where the platform signs callers in. */

export interface Caller {
  /** The name that the platform gives; undefined where nobody is signed in. */
  readonly name: string | undefined;
  readonly roles: ReadonlySet<string>;
}

export const unknownCaller: Caller = { name: undefined, roles: new Set() };

/** One line of a migration's column `audit`: when, who, which verb, which properties. No values: they may be secrets. */
export function auditLine({ name }: Caller, verb: string, properties: readonly string[]): string {
  const asked = properties.length === 0 ? "" : ` ${properties.join(", ")}`;
  return `${new Date().toISOString()} ${name ?? "(a function key)"} ${verb}${asked}`;
}
