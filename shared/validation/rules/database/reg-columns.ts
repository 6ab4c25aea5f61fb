import { changeType, columnsOfTypes, displayColumn } from "../../columns-of-types.js";
import { runOn } from "../../corrective-action.js";
import { named } from "../../named.js";
import type { DatabaseRule } from "../../rule.js";

/** pg_upgrade's list (check_for_reg_data_type_usage): regclass, regtype and regrole name what is on the target too. */
const regTypes = [
  "regcollation",
  "regconfig",
  "regdictionary",
  "regnamespace",
  "regoper",
  "regoperator",
  "regproc",
  "regprocedure",
];

export const rule: DatabaseRule = {
  id: "reg-columns",
  title: "No table stores references to functions, operators or schemas (reg* types)",
  scope: "database",
  modes: ["Offline", "Online"],
  remedy: "Store the names: `ALTER TABLE … ALTER COLUMN … TYPE text`.",
  async check({ source }) {
    const columns = await columnsOfTypes(source, regTypes, ["r", "p", "m"]);
    if (columns.length === 0) return [];
    const statements = columns.flatMap((column) => changeType(column, "text") ?? []);
    return [
      {
        state: "Failed",
        message:
          `${named("column", "columns", columns.map(displayColumn))}: of a type that stores an object's number in this one server's catalog. ` +
          `The target gives other numbers, and a value that names no object there, or several, cannot be copied. Store the name.${runOn("source", statements)}`,
      },
    ];
  },
};
