import {
  Link as FluentLink,
  makeStyles,
  mergeClasses,
  Table,
  TableBody,
  TableCell,
  TableHeader,
  TableHeaderCell,
  TableRow,
  tokens,
  useRestoreFocusTarget,
} from "@fluentui/react-components";
import { useState } from "react";
import type { DatabaseProgress, Migration, Sample } from "../../api/resources.js";
import { Bar } from "../../elements/bar.js";
import { Loading } from "../../elements/loading.js";
import { useNow } from "../../elements/now.js";
import { databaseTones, Status } from "../../elements/status.js";
import { useTableStyles } from "../../elements/table-styles.js";
import { Time } from "../../elements/time.js";
import { bytes, bytesOf, count, duration, minutes, percent, rate } from "../../format/quantities.js";
import { secondsBetween } from "../../format/times.js";
import { hasEnded } from "../../migration/progress.js";
import { rateOf } from "../../migration/rates.js";
import { text } from "../../text.js";
import { DatabasePane } from "./database-pane.js";

const useStyles = makeStyles({
  counts: { display: "inline-flex", gap: "10px", fontVariantNumeric: "tabular-nums", whiteSpace: "nowrap" },
  bad: { color: tokens.colorStatusDangerForeground1, fontWeight: tokens.fontWeightSemibold },
  good: { color: tokens.colorStatusSuccessForeground1 },
  step: {
    color: tokens.colorNeutralForeground3,
    fontSize: tokens.fontSizeBase200,
    display: "block",
    overflowWrap: "anywhere",
  },
  warn: { color: tokens.colorPaletteMarigoldForeground1, fontSize: tokens.fontSizeBase200, display: "block" },
  copied: { display: "inline-flex", flexDirection: "column", gap: "4px", alignItems: "flex-end" },
});

export function DatabasesTab({
  migration,
  databases,
  samples,
  showTables,
}: {
  migration: Migration;
  databases: readonly DatabaseProgress[] | undefined;
  samples: readonly Sample[];
  showTables: (database: string) => void;
}) {
  const styles = useStyles();
  const shared = useTableStyles();
  const restore = useRestoreFocusTarget();
  const [opened, setOpened] = useState<string | undefined>();
  useNow();
  if (databases === undefined) return <Loading rows={3} />;
  const { columns } = text.databases;
  const online = migration.properties.migrationMode === "Online" && migration.properties.migrationOption !== "Validate";
  const shown = databases.find(({ database }) => database === opened);
  return (
    <div className={shared.card}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard. */}
      <section className={shared.scroll} tabIndex={0} aria-label={text.migration.tabs.databases}>
        <Table size="small" className={shared.table} aria-label={text.migration.tabs.databases}>
          <TableHeader className={shared.head}>
            <TableRow>
              <TableHeaderCell className={shared.headCell}>{columns.database}</TableHeaderCell>
              <TableHeaderCell className={shared.headCell}>{columns.state}</TableHeaderCell>
              <TableHeaderCell className={shared.headCell}>{columns.tables}</TableHeaderCell>
              <TableHeaderCell className={mergeClasses(shared.headCell, shared.headNumber)}>
                {columns.copied}
              </TableHeaderCell>
              <TableHeaderCell className={mergeClasses(shared.headCell, shared.headNumber)}>
                {columns.rows}
              </TableHeaderCell>
              <TableHeaderCell className={mergeClasses(shared.headCell, shared.headNumber)}>
                {columns.rate}
              </TableHeaderCell>
              <TableHeaderCell className={mergeClasses(shared.headCell, shared.headNumber)}>
                {columns.elapsed}
              </TableHeaderCell>
              <TableHeaderCell className={shared.headCell}>{columns.end}</TableHeaderCell>
              {online && (
                <>
                  <TableHeaderCell className={mergeClasses(shared.headCell, shared.headNumber)}>
                    {columns.latency}
                  </TableHeaderCell>
                  <TableHeaderCell className={mergeClasses(shared.headCell, shared.headNumber)}>
                    {columns.changes}
                  </TableHeaderCell>
                </>
              )}
            </TableRow>
          </TableHeader>
          <TableBody>
            {databases.map((database) => {
              const own = samples.filter((sample) => sample.database === database.database);
              const perSecond = rateOf(own);
              const copying =
                database.state === "InProgress" && database.bytesCopied < database.bytesTotal && !hasEnded(migration);
              const done = percent(database.bytesCopied, database.bytesTotal);
              const average =
                database.startedOn !== undefined && database.endedOn !== undefined
                  ? database.bytesTotal / Math.max(1, secondsBetween(database.startedOn, database.endedOn))
                  : undefined;
              return (
                <TableRow key={database.database}>
                  <TableCell className={shared.cell}>
                    <FluentLink
                      as="button"
                      {...restore}
                      aria-label={text.databases.open(database.database)}
                      onClick={() => setOpened(database.database)}
                    >
                      {database.database}
                    </FluentLink>
                  </TableCell>
                  <TableCell className={shared.cell}>
                    <DatabaseStatus database={database} migration={migration} />
                    {database.currentStep !== undefined && !hasEnded(migration) && (
                      <span className={styles.step}>{database.currentStep}</span>
                    )}
                    {database.warnings.length > 0 && (
                      <span className={styles.warn}>{text.migration.warnings(database.warnings.length)}</span>
                    )}
                  </TableCell>
                  <TableCell className={shared.cell}>
                    <TableCounts database={database} />
                  </TableCell>
                  <TableCell className={mergeClasses(shared.cell, shared.number)}>
                    <span className={styles.copied}>
                      {done === 100 ? bytes(database.bytesTotal) : bytesOf(database.bytesCopied, database.bytesTotal)}
                      {copying && <Bar percent={done} label={text.grid.progress(done)} width="96px" />}
                    </span>
                  </TableCell>
                  <TableCell className={mergeClasses(shared.cell, shared.number)}>
                    {count(database.rowsCopied)}
                  </TableCell>
                  <TableCell className={mergeClasses(shared.cell, shared.number)}>
                    {copying && perSecond !== undefined
                      ? rate(perSecond)
                      : average === undefined
                        ? text.none
                        : rate(average)}
                  </TableCell>
                  <TableCell className={mergeClasses(shared.cell, shared.number)}>
                    {database.startedOn === undefined
                      ? text.none
                      : duration(Math.floor(secondsBetween(database.startedOn, database.endedOn)))}
                  </TableCell>
                  <TableCell className={shared.cell}>
                    {copying && perSecond !== undefined && perSecond > 0 ? (
                      <Time
                        iso={new Date(
                          Date.now() + ((database.bytesTotal - database.bytesCopied) / perSecond) * 1_000,
                        ).toISOString()}
                      />
                    ) : (
                      text.none
                    )}
                  </TableCell>
                  {online && (
                    <>
                      <TableCell className={mergeClasses(shared.cell, shared.number)}>
                        {database.sampledOn === undefined ? text.none : minutes(database.latencySeconds ?? 0)}
                      </TableCell>
                      <TableCell className={mergeClasses(shared.cell, shared.number)}>
                        {database.sampledOn === undefined
                          ? text.none
                          : bytesOf(
                              database.appliedChanges ?? 0,
                              Math.max(database.incomingChanges ?? 0, database.appliedChanges ?? 0),
                            )}
                      </TableCell>
                    </>
                  )}
                </TableRow>
              );
            })}
          </TableBody>
        </Table>
      </section>
      <DatabasePane
        database={shown}
        migration={migration}
        close={() => setOpened(undefined)}
        showTables={(name) => {
          setOpened(undefined);
          showTables(name);
        }}
      />
    </div>
  );
}

export function DatabaseStatus({ database, migration }: { database: DatabaseProgress; migration: Migration }) {
  const { state } = database;
  if (state === undefined) {
    const detail =
      migration.properties.currentStatus.currentSubStateDetails?.dbDetails?.[database.database]?.migrationState;
    if (hasEnded(migration) && detail !== undefined) {
      return <Status tone={databaseTones[detail]}>{text.databaseStates[detail]}</Status>;
    }
    return <Status tone="queued">{hasEnded(migration) ? text.none : text.waitingForTurn}</Status>;
  }
  return <Status tone={databaseTones[state]}>{text.databaseStates[state]}</Status>;
}

/** Copied, queued, copying, errored: sign and number, the word for whoever cannot see the sign. */
export function TableCounts({ database }: { database: DatabaseProgress }) {
  const styles = useStyles();
  const words = text.databases.tables;
  const counts = [
    [words.completed, "✓", database.tablesCompleted, database.tablesCompleted > 0 ? styles.good : undefined],
    [words.loading, "▶", database.tablesLoading, undefined],
    [words.queued, "…", database.tablesQueued, undefined],
    [words.errored, "✕", database.tablesErrored, database.tablesErrored > 0 ? styles.bad : undefined],
  ] as const;
  return (
    <span className={styles.counts}>
      {counts.map(([word, sign, number, tone]) => (
        <span
          key={word}
          className={tone}
          title={`${count(number)} ${word}`}
          role="img"
          aria-label={`${count(number)} ${word}`}
        >
          {`${count(number)} ${sign}`}
        </span>
      ))}
    </span>
  );
}
