/** GET …/migrations/{name}/validations: each rule's outcome with its times and remedy, which ARM's validationDetails has no room for. */
import { listValidations, type ValidationState } from "../status/validations.js";
import { loadDatabaseRules, loadServerRules } from "../validation/load-rules.js";

const severity: readonly ValidationState[] = ["Failed", "Warning", "Succeeded"];

/** Failed first, then warnings; the servers' rules before the databases'. */
export async function listRuleOutcomes(key: string) {
  const [rows, rules] = await Promise.all([
    listValidations(key),
    Promise.all([loadServerRules(), loadDatabaseRules()]).then((all) => all.flat()),
  ]);
  const remedies = new Map(rules.map(({ id, remedy }) => [id, remedy]));
  return rows
    .map((row) => ({ ...row, title: row.title ?? row.rule, remedy: remedies.get(row.rule) }))
    .sort(
      (one, other) =>
        severity.indexOf(one.state) - severity.indexOf(other.state) ||
        Number(one.level === "database") - Number(other.level === "database"),
    );
}
