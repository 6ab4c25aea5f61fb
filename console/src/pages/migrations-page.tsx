/** The grid: the migrations to one target server, newest first. */
import {
  Button,
  makeStyles,
  mergeClasses,
  SearchBox,
  Table,
  TableBody,
  TableCell,
  TableHeader,
  TableHeaderCell,
  TableRow,
  ToggleButton,
  tokens,
} from "@fluentui/react-components";
import { Add20Regular } from "@fluentui/react-icons";
import { memo, useMemo, useState } from "react";
import { useMigrations } from "../api/queries.js";
import type { Migration, ServerId } from "../api/resources.js";
import { Bar } from "../elements/bar.js";
import { Empty } from "../elements/empty.js";
import { isPlainClick, Link } from "../elements/link.js";
import { Loading } from "../elements/loading.js";
import { useNarrow } from "../elements/media.js";
import { useNow } from "../elements/now.js";
import { Problem } from "../elements/problem.js";
import { Refreshed } from "../elements/refreshed.js";
import { MigrationStatus, statusWord } from "../elements/status.js";
import { useTableStyles } from "../elements/table-styles.js";
import { Time } from "../elements/time.js";
import { count, duration, percent } from "../format/quantities.js";
import { secondsBetween } from "../format/times.js";
import { endOf, hasEnded, sourceAddressOf, startOf, stateOf, substateOf } from "../migration/progress.js";
import { go, usePlace } from "../navigation/location.js";
import { homeHref, migrationHref, newMigrationHref, serverHref } from "../navigation/routes.js";
import { PageHead } from "../shell/page-frame.js";
import { text } from "../text.js";

const useStyles = makeStyles({
  filters: { display: "flex", gap: "4px" },
  search: { width: "220px", "@media (max-width: 700px)": { width: "100%" } },
  cards: { listStyleType: "none", margin: 0, padding: 0, display: "flex", flexDirection: "column", gap: "8px" },
  cardRow: {
    position: "relative",
    backgroundColor: tokens.colorNeutralBackground1,
    border: `1px solid ${tokens.colorNeutralStroke2}`,
    borderRadius: tokens.borderRadiusLarge,
    padding: "12px",
    display: "flex",
    flexDirection: "column",
    gap: "6px",
  },
  cover: { "::after": { content: '""', position: "absolute", inset: 0 } },
  name: { fontWeight: tokens.fontWeightSemibold },
  line: {
    display: "flex",
    flexWrap: "wrap",
    columnGap: "12px",
    justifyContent: "space-between",
    color: tokens.colorNeutralForeground2,
  },
  databases: { display: "inline-flex", alignItems: "center", gap: "8px", justifyContent: "flex-end" },
});

export function MigrationsPage({ server }: { server: ServerId }) {
  const styles = useStyles();
  const shared = useTableStyles();
  const narrow = useNarrow();
  const place = usePlace();
  const filter = place.query.get("show") === "active" ? "Active" : "All";
  const [wanted, setWanted] = useState("");
  const { data, error, dataUpdatedAt, refetch } = useMigrations(server, filter);
  const shown = useMemo(() => (data ?? []).filter((migration) => matches(migration, wanted)), [data, wanted]);
  const show = (which: "active" | undefined) =>
    go(`${serverHref(server)}${which === undefined ? "" : `?show=${which}`}`, { replace: true, keepScroll: true });
  const { grid } = text;
  return (
    <>
      <PageHead
        crumbs={[{ label: text.home.title, href: homeHref() }]}
        title={grid.title(server.server)}
        commands={
          <>
            <Button appearance="primary" icon={<Add20Regular />} onClick={() => go(newMigrationHref(server))}>
              {grid.newMigration}
            </Button>
            {/* biome-ignore lint/a11y/useSemanticElements: a fieldset cannot be laid out in a row of commands everywhere. */}
            <span className={styles.filters} role="group" aria-label={grid.show}>
              <ToggleButton appearance="subtle" checked={filter === "Active"} onClick={() => show("active")}>
                {grid.active}
              </ToggleButton>
              <ToggleButton appearance="subtle" checked={filter === "All"} onClick={() => show(undefined)}>
                {grid.all}
              </ToggleButton>
            </span>
            <SearchBox
              className={styles.search}
              placeholder={grid.filter}
              aria-label={grid.filterLabel}
              value={wanted}
              onChange={(_, { value }) => setWanted(value)}
            />
            <Refreshed at={dataUpdatedAt} refresh={() => void refetch()} />
          </>
        }
      />
      {error !== null && <Problem error={error} retry={() => void refetch()} />}
      {data === undefined && error === null && <Loading />}
      {data !== undefined && shown.length === 0 && (
        <div className={shared.card}>
          {wanted !== "" && data.length > 0 ? (
            <Empty action={<Button onClick={() => setWanted("")}>{grid.clearFilter}</Button>}>{grid.emptyFilter}</Empty>
          ) : filter === "Active" ? (
            <Empty action={<Button onClick={() => show(undefined)}>{grid.showAll}</Button>}>{grid.emptyActive}</Empty>
          ) : (
            <Empty action={<Button onClick={() => go(newMigrationHref(server))}>{grid.newMigration}</Button>}>
              {grid.emptyAll}
            </Empty>
          )}
        </div>
      )}
      {shown.length > 0 &&
        (narrow ? (
          <ul className={styles.cards}>
            {shown.map((migration) => (
              <Card key={migration.name} migration={migration} server={server} />
            ))}
          </ul>
        ) : (
          <Grid migrations={shown} server={server} title={grid.title(server.server)} />
        ))}
    </>
  );
}

function matches(migration: Migration, wanted: string): boolean {
  const words = wanted.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return true;
  const searched = [
    migration.name,
    statusWord(migration),
    sourceAddressOf(migration),
    text.options[migration.properties.migrationOption],
    migration.properties.migrationMode,
    ...migration.properties.dbsToMigrate,
  ]
    .join(" ")
    .toLowerCase();
  return words.every((word) => searched.includes(word));
}

function Grid({ migrations, server, title }: { migrations: readonly Migration[]; server: ServerId; title: string }) {
  const shared = useTableStyles();
  const { columns } = text.grid;
  return (
    <div className={shared.card}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard. */}
      <section className={shared.scroll} tabIndex={0} aria-label={title}>
        <Table size="small" className={shared.table} aria-label={title}>
          <TableHeader className={shared.head}>
            <TableRow>
              {(Object.keys(columns) as (keyof typeof columns)[]).map((column) => (
                <TableHeaderCell
                  key={column}
                  className={mergeClasses(
                    shared.headCell,
                    (column === "databases" || column === "duration") && shared.headNumber,
                  )}
                >
                  {columns[column]}
                </TableHeaderCell>
              ))}
            </TableRow>
          </TableHeader>
          <TableBody>
            {migrations.map((migration) => (
              <Row key={migration.name} migration={migration} server={server} />
            ))}
          </TableBody>
        </Table>
      </section>
    </div>
  );
}

/** Rows that have not changed keep their object, and are not drawn again. */
const Row = memo(function Row({ migration, server }: { migration: Migration; server: ServerId }) {
  const shared = useTableStyles();
  const { properties } = migration;
  const href = migrationHref({ ...server, name: migration.name });
  return (
    <TableRow className={shared.row} onClick={(event) => isPlainClick(event) && go(href)}>
      <TableCell className={shared.cell}>
        <Link href={href} onClick={(event) => event.stopPropagation()}>
          {migration.name}
        </Link>
      </TableCell>
      <TableCell className={shared.cell}>
        <MigrationStatus migration={migration} />
      </TableCell>
      <TableCell className={shared.cell}>{text.options[properties.migrationOption]}</TableCell>
      <TableCell className={shared.cell}>{modeOf(migration)}</TableCell>
      <TableCell className={shared.cell}>{sourceAddressOf(migration)}</TableCell>
      <TableCell className={shared.cell}>{sourceTypeOf(migration)}</TableCell>
      <TableCell className={mergeClasses(shared.cell, shared.number)}>
        <Databases migration={migration} />
      </TableCell>
      <TableCell className={shared.cell}>
        <Time iso={startOf(migration)} />
      </TableCell>
      <TableCell className={mergeClasses(shared.cell, shared.number)}>
        <Duration migration={migration} />
      </TableCell>
    </TableRow>
  );
});

const Card = memo(function Card({ migration, server }: { migration: Migration; server: ServerId }) {
  const styles = useStyles();
  return (
    <li className={styles.cardRow}>
      <Link
        className={mergeClasses(styles.name, styles.cover)}
        href={migrationHref({ ...server, name: migration.name })}
      >
        {migration.name}
      </Link>
      <MigrationStatus migration={migration} />
      <span className={styles.line}>
        <span>{`${text.options[migration.properties.migrationOption]} · ${modeOf(migration)}`}</span>
        <Databases migration={migration} />
      </span>
      <span className={styles.line}>
        <span>{sourceAddressOf(migration)}</span>
        <span>{sourceTypeOf(migration)}</span>
      </span>
      <span className={styles.line}>
        <Time iso={startOf(migration)} />
        <Duration migration={migration} />
      </span>
    </li>
  );
});

/** A validation moves nothing, so it has no mode to speak of. */
function modeOf({ properties }: Migration): string {
  return properties.migrationOption === "Validate" ? text.none : text.modes[properties.migrationMode];
}

function sourceTypeOf({ properties: { sourceType } }: Migration): string {
  return sourceType === undefined ? text.none : (text.sourceTypes[sourceType] ?? sourceType);
}

function Databases({ migration }: { migration: Migration }) {
  const styles = useStyles();
  const details = Object.values(migration.properties.currentStatus.currentSubStateDetails?.dbDetails ?? {});
  const tables = details.reduce(
    (sum, database) => {
      const done = database.fullLoadCompletedTables ?? 0;
      const open =
        (database.fullLoadQueuedTables ?? 0) +
        (database.fullLoadLoadingTables ?? 0) +
        (database.fullLoadErroredTables ?? 0);
      return { done: sum.done + done, all: sum.all + done + open };
    },
    { done: 0, all: 0 },
  );
  const copying = stateOf(migration) === "InProgress" && substateOf(migration) === "MigratingData" && tables.all > 0;
  const done = percent(tables.done, tables.all);
  return (
    <span className={styles.databases}>
      {copying && <Bar percent={done} label={text.grid.progress(done)} width="56px" />}
      {count(migration.properties.dbsToMigrate.length)}
    </span>
  );
}

function Duration({ migration }: { migration: Migration }) {
  const start = startOf(migration);
  const end = endOf(migration);
  if (start === undefined) return <>{text.none}</>;
  return hasEnded(migration) ? duration(secondsBetween(start, end)) : <Running start={start} />;
}

function Running({ start }: { start: string }) {
  useNow();
  return <>{duration(Math.floor(secondsBetween(start, undefined)))}</>;
}
