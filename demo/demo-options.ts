import { parseArgs } from "node:util";

export interface DemoOptions {
  /** How much bigger than the default the databases are. */
  scale: number;
  /** Move a database that is being written to, and cut it over. */
  online: boolean;
  /** How many databases are moved online, all at once. */
  databases: number;
  /** Leave everything running at the end, until Ctrl-C. */
  keep: boolean;
  /** The target's major version. */
  target: 17 | 18;
}

export const usage = `npm run demo -- [options]

  --scale N      make the databases N times as big (default 1: about 0.5 GB)
  --target N     major version of the target, 17 or 18 (default 17)
  --online       move a database while it is written to, and cut over
  --databases N  with --online: so many at once, 1 to 8 (default 1)
  --keep         leave servers and service running, and print how to talk to them
  --help         print this
`;

/** Throws with a message for people when an argument makes no sense; answers undefined when only help is wanted. */
export function parseDemoOptions(argv: readonly string[]): DemoOptions | undefined {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      scale: { type: "string", default: "1" },
      target: { type: "string", default: "17" },
      online: { type: "boolean", default: false },
      databases: { type: "string", default: "1" },
      keep: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return undefined;
  const scale = Number(values.scale);
  if (!(scale > 0 && scale <= 1000)) throw new Error(`--scale ${values.scale}: give a number above 0, at most 1000`);
  const databases = Number(values.databases);
  if (!Number.isInteger(databases) || databases < 1 || databases > 8) {
    throw new Error(`--databases ${values.databases}: give a whole number from 1 to 8`);
  }
  if (databases > 1 && !values.online) throw new Error("--databases goes with --online: the offline demo moves three");
  if (values.target !== "17" && values.target !== "18") throw new Error(`--target ${values.target}: give 17 or 18`);
  return { scale, online: values.online, databases, keep: values.keep, target: values.target === "17" ? 17 : 18 };
}
