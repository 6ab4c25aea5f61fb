import { Button, makeStyles, Subtitle2, tokens } from "@fluentui/react-components";
import type { DatabaseProgress, Migration } from "../../api/resources.js";
import { Facts } from "../../elements/facts.js";
import { Pane } from "../../elements/pane.js";
import { Time } from "../../elements/time.js";
import { Words } from "../../elements/words.js";
import { bytes, bytesOf, count, duration, minutes } from "../../format/quantities.js";
import { secondsBetween } from "../../format/times.js";
import { hasEnded } from "../../migration/progress.js";
import { text } from "../../text.js";
import { DatabaseStatus, TableCounts } from "./databases-tab.js";

const useStyles = makeStyles({
  section: { marginTop: "20px" },
  list: { margin: "8px 0 0", paddingLeft: "18px", display: "flex", flexDirection: "column", gap: "8px" },
  head: { margin: 0 },
  error: { color: tokens.colorStatusDangerForeground1 },
});

export function DatabasePane({
  database,
  migration,
  close,
  showTables,
}: {
  database: DatabaseProgress | undefined;
  migration: Migration;
  close: () => void;
  showTables: (database: string) => void;
}) {
  return (
    <Pane title={database?.database ?? ""} open={database !== undefined} close={close}>
      {database !== undefined && <Contents database={database} migration={migration} showTables={showTables} />}
    </Pane>
  );
}

function Contents({
  database,
  migration,
  showTables,
}: {
  database: DatabaseProgress;
  migration: Migration;
  showTables: (database: string) => void;
}) {
  const styles = useStyles();
  const words = text.databases;
  const follows = database.sampledOn !== undefined;
  return (
    <>
      <Facts
        facts={[
          [words.columns.state, <DatabaseStatus key="state" database={database} migration={migration} />],
          [words.step, hasEnded(migration) ? undefined : database.currentStep],
          [words.columns.tables, <TableCounts key="tables" database={database} />],
          [words.columns.copied, bytesOf(database.bytesCopied, database.bytesTotal)],
          [words.columns.rows, count(database.rowsCopied)],
          [text.migration.essential.started, <Time key="started" iso={database.startedOn} seconds />],
          [
            text.migration.essential.ended,
            database.endedOn === undefined ? undefined : <Time key="ended" iso={database.endedOn} seconds />,
          ],
          [
            words.columns.elapsed,
            database.startedOn === undefined
              ? undefined
              : duration(Math.floor(secondsBetween(database.startedOn, database.endedOn))),
          ],
          [words.attempt, database.attempt > 1 ? count(database.attempt) : undefined],
          [words.columns.latency, follows ? minutes(database.latencySeconds ?? 0) : undefined],
          [
            words.pendingChanges,
            follows ? bytes(Math.max(0, (database.incomingChanges ?? 0) - (database.appliedChanges ?? 0))) : undefined,
          ],
          [words.inserted, follows ? count(database.insertedRows ?? 0) : undefined],
          [words.updated, follows ? count(database.updatedRows ?? 0) : undefined],
          [words.deleted, follows ? count(database.deletedRows ?? 0) : undefined],
          [words.sampled, follows ? <Time key="sampled" iso={database.sampledOn} seconds /> : undefined],
          [
            words.cutoverAt,
            database.cutoverOn === undefined ? undefined : <Time key="cutover" iso={database.cutoverOn} seconds />,
          ],
        ]}
      />
      {database.message !== undefined && (
        <section className={styles.section}>
          <Subtitle2 as="h3" className={styles.head}>
            {words.message}
          </Subtitle2>
          <div className={database.state === "Failed" ? styles.error : undefined}>
            <Words>{database.message}</Words>
          </div>
        </section>
      )}
      {database.warnings.length > 0 && (
        <section className={styles.section}>
          <Subtitle2 as="h3" className={styles.head}>
            {words.warnings}
          </Subtitle2>
          <ul className={styles.list}>
            {database.warnings.map((warning) => (
              <li key={warning}>
                <Words>{warning}</Words>
              </li>
            ))}
          </ul>
        </section>
      )}
      <div className={styles.section}>
        <Button onClick={() => showTables(database.database)}>{words.allTables}</Button>
      </div>
    </>
  );
}
