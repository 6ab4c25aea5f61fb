/** How much storage the target needs. SQL cannot ask a server for its free storage, so a person has to look. */
import { totalBytes } from "../../database-sizes.js";
import { inBytes } from "../../quantities.js";
import type { ServerRule } from "../../rule.js";

/** Room for write-ahead log and sorting while rows are loaded and indexes built: what Azure's service recommends too. */
const headroom = 1.25;

/** What any server has to spare. */
const negligibleBytes = 64 * 1024 ** 2;

export const rule: ServerRule = {
  id: "storage-size",
  title: "Storage that the target needs",
  scope: "server",
  modes: ["Offline", "Online"],
  remedy: "Make sure that the target has that much free storage, or lets it grow.",
  check: async ({ spec, source }) => {
    const bytes = await totalBytes(source, spec.databases);
    const required = inBytes(bytes * headroom);
    if (bytes * headroom <= negligibleBytes) {
      return [{ state: "Succeeded", message: `The target needs ${required} of free storage.` }];
    }
    return [
      {
        state: "Warning",
        message:
          `The databases have ${inBytes(bytes)} on the source: the target needs ${required} of free storage (1.25 times as much). ` +
          `Make sure that ${spec.target.host} has it; the server cannot be asked.`,
      },
    ];
  },
};
