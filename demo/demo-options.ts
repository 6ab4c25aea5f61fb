import { parseArgs } from "node:util";

export interface DemoOptions {
  /** How much bigger than the default the databases are. */
  scale: number;
  /** Move a database that is being written to, and cut it over. */
  online: boolean;
  /** Leave everything running at the end, until Ctrl-C. */
  keep: boolean;
  /** The target's major version. */
  target: 17 | 18;
}

export const usage = `npm run demo -- [options]

  --scale N      make the databases N times as big (default 1: about 0.5 GB)
  --target N     major version of the target, 17 or 18 (default 17)
  --online       move a database while it is written to, and cut over
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
      keep: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return undefined;
  const scale = Number(values.scale);
  if (!(scale > 0 && scale <= 1000)) throw new Error(`--scale ${values.scale}: give a number above 0, at most 1000`);
  if (values.target !== "17" && values.target !== "18") throw new Error(`--target ${values.target}: give 17 or 18`);
  return { scale, online: values.online, keep: values.keep, target: values.target === "17" ? 17 : 18 };
}
