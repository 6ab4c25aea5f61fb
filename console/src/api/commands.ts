/** What the console asks of a migration. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { call, migrationPath } from "./client.js";
import type { Migration, MigrationId } from "./resources.js";

/** A PATCH of the migration's properties; what is shown is asked for anew after it. */
export function useChange(id: MigrationId) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (properties: Readonly<Record<string, unknown>>) =>
      call<Migration>(migrationPath(id), { method: "PATCH", body: { properties } }),
    onSuccess: (migration) => {
      queries.setQueryData(["migration", migrationPath(id)], migration);
      void queries.invalidateQueries();
    },
  });
}
