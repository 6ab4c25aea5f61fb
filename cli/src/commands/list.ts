import { Option } from "@commander-js/extra-typings";
import { print } from "../output/format.js";
import { migrationsAnswer } from "../output/migrations-answer.js";
import { serverCommand, serviceOf } from "../service-options.js";

export function list() {
  return serverCommand("list", "List the migrations of a target server.")
    .addOption(new Option("--filter <filter>", "Active: those that have not ended; or All").default("Active"))
    .action(async (options) => {
      print(migrationsAnswer(await serviceOf(options).list(options.filter)), options.output);
    });
}
