import {
  Button,
  makeStyles,
  mergeClasses,
  Table,
  TableBody,
  TableCell,
  TableHeader,
  TableHeaderCell,
  TableRow,
} from "@fluentui/react-components";
import { ArrowDownload20Regular } from "@fluentui/react-icons";
import { Empty } from "../../elements/empty.js";
import { Loading } from "../../elements/loading.js";
import { useTableStyles } from "../../elements/table-styles.js";
import { Time } from "../../elements/time.js";
import { Words } from "../../elements/words.js";
import { duration } from "../../format/quantities.js";
import { saveFile } from "../../format/save-file.js";
import type { MigrationEvent } from "../../migration/events.js";
import { text } from "../../text.js";

const useStyles = makeStyles({
  actions: { display: "flex", flexWrap: "wrap", gap: "8px", marginBottom: "12px" },
  detail: { minWidth: "200px" },
});

export function EventsTab({ name, events }: { name: string; events: readonly MigrationEvent[] | undefined }) {
  const styles = useStyles();
  const shared = useTableStyles();
  const { columns } = text.events;
  if (events === undefined) return <Loading />;
  if (events.length === 0) return <Empty>{text.events.none}</Empty>;
  return (
    <>
      <div className={styles.actions}>
        <Button
          icon={<ArrowDownload20Regular />}
          onClick={() => saveFile(`${name}-events.json`, "application/json", JSON.stringify(events, null, 2))}
        >
          {text.events.exportJson}
        </Button>
        <Button
          icon={<ArrowDownload20Regular />}
          onClick={() => saveFile(`${name}-events.csv`, "text/csv", csv(events))}
        >
          {text.events.exportCsv}
        </Button>
      </div>
      <div className={shared.card}>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard. */}
        <section className={shared.scroll} tabIndex={0} aria-label={text.migration.tabs.events}>
          <Table size="small" className={shared.table} aria-label={text.migration.tabs.events}>
            <TableHeader className={shared.head}>
              <TableRow>
                <TableHeaderCell className={shared.headCell}>{columns.time}</TableHeaderCell>
                <TableHeaderCell className={shared.headCell}>{columns.what}</TableHeaderCell>
                <TableHeaderCell className={mergeClasses(shared.headCell, shared.headNumber)}>
                  {columns.took}
                </TableHeaderCell>
                <TableHeaderCell className={shared.headCell}>{columns.detail}</TableHeaderCell>
              </TableRow>
            </TableHeader>
            <TableBody>
              {events.map((event) => (
                <TableRow key={`${event.time} ${event.what}`}>
                  <TableCell className={shared.cell}>
                    <Time iso={event.time} seconds />
                  </TableCell>
                  <TableCell className={shared.cell}>{event.what}</TableCell>
                  <TableCell className={mergeClasses(shared.cell, shared.number)}>
                    {event.seconds === undefined ? text.none : duration(event.seconds)}
                  </TableCell>
                  <TableCell className={mergeClasses(shared.cell, styles.detail)}>
                    {event.detail === undefined ? "" : <Words>{event.detail}</Words>}
                  </TableCell>
                </TableRow>
              ))}
            </TableBody>
          </Table>
        </section>
      </div>
    </>
  );
}

function csv(events: readonly MigrationEvent[]): string {
  // A leading = + - @ would be a formula to a spreadsheet.
  const cell = (value: string) => `"${value.replace(/^[=+\-@]/, "'$&").replaceAll('"', '""')}"`;
  const rows = events.map(({ time, what, seconds, detail }) => [
    time,
    what,
    seconds === undefined ? "" : seconds.toFixed(3),
    detail ?? "",
  ]);
  return [["time", "event", "seconds", "detail"], ...rows].map((row) => row.map(cell).join(",")).join("\r\n");
}
