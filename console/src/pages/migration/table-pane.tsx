/** A table in full: its parts, who copied each, errors. */
import {
  makeStyles,
  mergeClasses,
  Table,
  TableBody,
  TableCell,
  TableHeader,
  TableHeaderCell,
  TableRow,
  tokens,
} from "@fluentui/react-components";
import { Facts } from "../../elements/facts.js";
import { Pane } from "../../elements/pane.js";
import { PartsBar } from "../../elements/parts-bar.js";
import { partTones, Status } from "../../elements/status.js";
import { useTableStyles } from "../../elements/table-styles.js";
import { Time } from "../../elements/time.js";
import { Words } from "../../elements/words.js";
import { bytes, count, duration } from "../../format/quantities.js";
import { secondsBetween } from "../../format/times.js";
import type { TableView } from "../../migration/tables.js";
import { text } from "../../text.js";

const useStyles = makeStyles({
  bar: { margin: "16px 0" },
  error: { color: tokens.colorStatusDangerForeground1, margin: "8px 0" },
});

/** More parts than that are summed up by the bar alone. */
const listed = 200;

export function TablePane({ table, close }: { table: TableView | undefined; close: () => void }) {
  return (
    <Pane
      title={table === undefined ? "" : `${table.schemaName}.${table.tableName}`}
      open={table !== undefined}
      close={close}
    >
      {table !== undefined && <Contents table={table} />}
    </Pane>
  );
}

function Contents({ table }: { table: TableView }) {
  const styles = useStyles();
  const shared = useTableStyles();
  const words = text.tables;
  const errors = [...new Set(table.parts.flatMap(({ error }) => error ?? []))];
  return (
    <>
      <Facts
        facts={[
          [text.databases.columns.database, table.database],
          [
            words.columns.state,
            <Status key="state" tone={partTones[table.state]}>
              {text.partStates[table.state]}
            </Status>,
          ],
          [words.columns.rows, count(table.rows)],
          [words.columns.size, bytes(table.bytesEstimated)],
          [words.columns.copied, bytes(table.bytes)],
          [words.columns.verified, table.verified],
          [
            text.migration.essential.started,
            table.startedOn === undefined ? undefined : <Time key="start" iso={table.startedOn} seconds />,
          ],
          [
            text.migration.essential.ended,
            table.endedOn === undefined ? undefined : <Time key="end" iso={table.endedOn} seconds />,
          ],
        ]}
      />
      {errors.map((error) => (
        <div key={error} className={styles.error}>
          <Words>{error}</Words>
        </div>
      ))}
      <div className={styles.bar}>
        <PartsBar parts={table.parts} />
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard. */}
      <section className={shared.scroll} tabIndex={0} aria-label={words.columns.parts}>
        <Table size="extra-small" className={shared.table} aria-label={words.columns.parts}>
          <TableHeader>
            <TableRow>
              <TableHeaderCell className={shared.headCell}>{words.part}</TableHeaderCell>
              <TableHeaderCell className={shared.headCell}>{words.columns.state}</TableHeaderCell>
              <TableHeaderCell className={mergeClasses(shared.headCell, shared.headNumber)}>
                {words.columns.rows}
              </TableHeaderCell>
              <TableHeaderCell className={mergeClasses(shared.headCell, shared.headNumber)}>
                {words.columns.copied}
              </TableHeaderCell>
              <TableHeaderCell className={mergeClasses(shared.headCell, shared.headNumber)}>
                {words.elapsed}
              </TableHeaderCell>
              <TableHeaderCell className={shared.headCell}>{words.instance}</TableHeaderCell>
            </TableRow>
          </TableHeader>
          <TableBody>
            {table.parts.slice(0, listed).map((part) => (
              <TableRow key={part.part}>
                <TableCell className={shared.cell}>{count(part.part)}</TableCell>
                <TableCell className={shared.cell}>
                  <Status tone={partTones[part.state]}>{text.partStates[part.state]}</Status>
                </TableCell>
                <TableCell className={mergeClasses(shared.cell, shared.number)}>{count(part.rows)}</TableCell>
                <TableCell className={mergeClasses(shared.cell, shared.number)}>{bytes(part.bytes)}</TableCell>
                <TableCell className={mergeClasses(shared.cell, shared.number)}>
                  {part.startedOn === undefined ? text.none : duration(secondsBetween(part.startedOn, part.endedOn))}
                </TableCell>
                <TableCell className={mergeClasses(shared.cell, shared.mono)}>{part.instance ?? text.none}</TableCell>
              </TableRow>
            ))}
          </TableBody>
        </Table>
      </section>
    </>
  );
}
