/** A migration as a page to print and sign: from where to where, when, what arrived, what did not. */
import {
  Button,
  makeStyles,
  mergeClasses,
  Subtitle1,
  Table,
  TableBody,
  TableCell,
  TableHeader,
  TableHeaderCell,
  TableRow,
  tokens,
} from "@fluentui/react-components";
import { Print20Regular } from "@fluentui/react-icons";
import { useDatabases, useMigration, useTables, useTransitions, useValidations } from "../api/queries.js";
import type { MigrationId } from "../api/resources.js";
import { Loading } from "../elements/loading.js";
import { Problem } from "../elements/problem.js";
import { MigrationStatus } from "../elements/status.js";
import { useTableStyles } from "../elements/table-styles.js";
import { Time } from "../elements/time.js";
import { Words } from "../elements/words.js";
import { bytes, count, duration } from "../format/quantities.js";
import { secondsBetween } from "../format/times.js";
import { downtimeOf } from "../migration/downtime.js";
import { eventsOf } from "../migration/events.js";
import { hasEnded } from "../migration/progress.js";
import { homeHref, migrationHref, serverHref } from "../navigation/routes.js";
import { PageHead } from "../shell/page-frame.js";
import { text } from "../text.js";
import { DatabaseStatus } from "./migration/databases-tab.js";
import { EssentialFacts } from "./migration/essentials.js";

const useStyles = makeStyles({
  paper: {
    backgroundColor: tokens.colorNeutralBackground1,
    border: `1px solid ${tokens.colorNeutralStroke2}`,
    borderRadius: tokens.borderRadiusLarge,
    padding: "24px",
    maxWidth: "900px",
    display: "flex",
    flexDirection: "column",
    gap: "20px",
    "@media print": {
      borderTopStyle: "none",
      borderRightStyle: "none",
      borderBottomStyle: "none",
      borderLeftStyle: "none",
      padding: "0",
      gap: "14px",
    },
    "@media (max-width: 700px)": { padding: "14px" },
  },
  head: { margin: "0 0 8px" },
  checksum: { fontFamily: tokens.fontFamilyMonospace, fontSize: tokens.fontSizeBase200, overflowWrap: "anywhere" },
  list: { margin: 0, paddingLeft: "18px", display: "flex", flexDirection: "column", gap: "4px" },
  sign: {
    display: "grid",
    gridTemplateColumns: "repeat(auto-fit, minmax(160px, 1fr))",
    gap: "24px",
    marginTop: "28px",
  },
  line: {
    borderTop: `1px solid ${tokens.colorNeutralStroke1}`,
    paddingTop: "4px",
    color: tokens.colorNeutralForeground3,
  },
});

/** A page is to be printed and signed: the largest tables, and how many there are beside them. */
const tablesShown = 200;

export default function ReportPage({ migration: id }: { migration: MigrationId }) {
  const styles = useStyles();
  const shared = useTableStyles();
  const { data: migration, error, refetch } = useMigration(id);
  const ended = migration !== undefined && hasEnded(migration);
  const { data: databases = [] } = useDatabases(id, ended);
  const { data: transitions = [] } = useTransitions(id, migration);
  const { data: rules = [] } = useValidations(id, migration);
  const validates = migration?.properties.migrationOption === "Validate";
  const attempts = databases.map(({ attempt }) => attempt).join();
  const wanted = ended && !validates && databases.length > 0;
  const { data: copied } = useTables(id, { ended, attempts, wanted });
  const words = text.report;
  if (migration === undefined)
    return error === null ? <Loading /> : <Problem error={error} retry={() => void refetch()} />;
  const down = downtimeOf(transitions);
  const { error: failure } = migration.properties.currentStatus;
  const warnings = [
    ...databases.flatMap(({ database, warnings: list, message, state }) => [
      ...(state === "Failed" && message !== undefined ? [`${database}: ${message}`] : []),
      ...list.map((warning) => `${database}: ${warning}`),
    ]),
    ...rules
      .filter(({ state }) => state !== "Succeeded")
      .flatMap(({ database, messages }) =>
        messages.map(({ message }) => (database === undefined ? message : `${database}: ${message}`)),
      ),
  ];
  const tables = [...(copied?.tables.values() ?? [])].sort((one, other) => other.bytes - one.bytes);
  return (
    <>
      <PageHead
        crumbs={[
          { label: text.home.title, href: homeHref() },
          { label: text.grid.title(id.server), href: serverHref(id) },
          { label: id.name, href: migrationHref(id) },
        ]}
        title={words.title(id.name)}
        beside={<MigrationStatus migration={migration} />}
        commands={
          <Button appearance="primary" icon={<Print20Regular />} onClick={() => print()}>
            {words.print}
          </Button>
        }
      />
      <article className={styles.paper}>
        {!ended && <strong>{words.notEnded}</strong>}
        <section>
          <EssentialFacts migration={migration} id={id} />
          {down !== undefined && <p>{`${words.downtime}: ${duration(down)}`}</p>}
          {failure && <Words>{failure}</Words>}
        </section>
        {!validates && (
          <section>
            <Subtitle1 as="h2" block className={styles.head}>
              {words.databases}
            </Subtitle1>
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard. */}
            <section className={shared.scroll} tabIndex={0} aria-label={words.databases}>
              <Table size="small" aria-label={words.databases} className={shared.table}>
                <TableHeader>
                  <TableRow>
                    <TableHeaderCell className={shared.headCell}>{text.databases.columns.database}</TableHeaderCell>
                    <TableHeaderCell className={shared.headCell}>{words.outcome}</TableHeaderCell>
                    <TableHeaderCell className={mergeClasses(shared.headCell, shared.headNumber)}>
                      {words.copied}
                    </TableHeaderCell>
                    <TableHeaderCell className={mergeClasses(shared.headCell, shared.headNumber)}>
                      {words.errored}
                    </TableHeaderCell>
                    <TableHeaderCell className={mergeClasses(shared.headCell, shared.headNumber)}>
                      {words.rows}
                    </TableHeaderCell>
                    <TableHeaderCell className={mergeClasses(shared.headCell, shared.headNumber)}>
                      {words.size}
                    </TableHeaderCell>
                    <TableHeaderCell className={mergeClasses(shared.headCell, shared.headNumber)}>
                      {words.time}
                    </TableHeaderCell>
                  </TableRow>
                </TableHeader>
                <TableBody>
                  {databases.map((database) => (
                    <TableRow key={database.database}>
                      <TableCell className={shared.cell}>{database.database}</TableCell>
                      <TableCell className={shared.cell}>
                        <DatabaseStatus database={database} migration={migration} />
                      </TableCell>
                      <TableCell className={mergeClasses(shared.cell, shared.number)}>
                        {count(database.tablesCompleted)}
                      </TableCell>
                      <TableCell className={mergeClasses(shared.cell, shared.number)}>
                        {count(database.tablesErrored)}
                      </TableCell>
                      <TableCell className={mergeClasses(shared.cell, shared.number)}>
                        {count(database.rowsCopied)}
                      </TableCell>
                      <TableCell className={mergeClasses(shared.cell, shared.number)}>
                        {bytes(database.bytesTotal)}
                      </TableCell>
                      <TableCell className={mergeClasses(shared.cell, shared.number)}>
                        {database.startedOn === undefined
                          ? text.none
                          : duration(secondsBetween(database.startedOn, database.endedOn))}
                      </TableCell>
                    </TableRow>
                  ))}
                </TableBody>
              </Table>
            </section>
          </section>
        )}
        {tables.length > 0 && (
          <section>
            <Subtitle1 as="h2" block className={styles.head}>
              {words.tables}
            </Subtitle1>
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard. */}
            <section className={shared.scroll} tabIndex={0} aria-label={words.tables}>
              <Table size="extra-small" aria-label={words.tables} className={shared.table}>
                <TableHeader>
                  <TableRow>
                    <TableHeaderCell className={shared.headCell}>{text.databases.columns.database}</TableHeaderCell>
                    <TableHeaderCell className={shared.headCell}>{words.tables}</TableHeaderCell>
                    <TableHeaderCell className={mergeClasses(shared.headCell, shared.headNumber)}>
                      {words.rows}
                    </TableHeaderCell>
                    <TableHeaderCell className={shared.headCell}>{words.verified}</TableHeaderCell>
                    <TableHeaderCell className={shared.headCell}>{words.checksum}</TableHeaderCell>
                  </TableRow>
                </TableHeader>
                <TableBody>
                  {tables.slice(0, tablesShown).map((table) => (
                    <TableRow key={table.key}>
                      <TableCell className={shared.cell}>{table.database}</TableCell>
                      <TableCell className={shared.cell}>{`${table.schemaName}.${table.tableName}`}</TableCell>
                      <TableCell className={mergeClasses(shared.cell, shared.number)}>{count(table.rows)}</TableCell>
                      <TableCell className={shared.cell}>{table.verified ?? text.none}</TableCell>
                      <TableCell className={mergeClasses(shared.cell, styles.checksum)}>
                        {table.checksum ?? text.none}
                      </TableCell>
                    </TableRow>
                  ))}
                </TableBody>
              </Table>
            </section>
            {tables.length > tablesShown && words.moreTables(count(tables.length - tablesShown))}
          </section>
        )}
        <section>
          <Subtitle1 as="h2" block className={styles.head}>
            {words.warnings}
          </Subtitle1>
          {warnings.length === 0 ? (
            words.noWarnings
          ) : (
            <ul className={styles.list}>
              {warnings.map((warning) => (
                <li key={warning}>
                  <Words>{warning}</Words>
                </li>
              ))}
            </ul>
          )}
        </section>
        <section>
          <Subtitle1 as="h2" block className={styles.head}>
            {words.course}
          </Subtitle1>
          <ul className={styles.list}>
            {eventsOf(migration, transitions, databases).map((event) => (
              <li key={`${event.time} ${event.what}`}>
                <Time iso={event.time} seconds /> {event.what}
                {event.seconds === undefined ? "" : ` (${duration(event.seconds)})`}
              </li>
            ))}
          </ul>
        </section>
        <section>
          {words.signature}
          <div className={styles.sign}>
            <span className={styles.line}>{words.name}</span>
            <span className={styles.line}>{words.date}</span>
            <span className={styles.line}>{words.sign}</span>
          </div>
        </section>
      </article>
    </>
  );
}
