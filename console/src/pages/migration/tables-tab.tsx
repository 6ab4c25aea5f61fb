/** All tables, largest first; only the rows in sight are drawn, for there may be thousands. */
import {
  makeStyles,
  mergeClasses,
  SearchBox,
  Select,
  ToggleButton,
  tokens,
  useRestoreFocusTarget,
} from "@fluentui/react-components";
import { useVirtualizer } from "@tanstack/react-virtual";
import { memo, useMemo, useRef, useState } from "react";
import type { PartState } from "../../api/resources.js";
import { Empty } from "../../elements/empty.js";
import { Loading } from "../../elements/loading.js";
import { useNarrow } from "../../elements/media.js";
import { PartsBar } from "../../elements/parts-bar.js";
import { partTones, Status } from "../../elements/status.js";
import { useTableStyles } from "../../elements/table-styles.js";
import { bytes, count } from "../../format/quantities.js";
import type { TableView } from "../../migration/tables.js";
import { text } from "../../text.js";
import { TablePane } from "./table-pane.js";

const rowHeight = 40;
const columnsWide = "minmax(180px, 3fr) 110px minmax(80px, 1.5fr) 110px 90px 90px 100px";
const columnsNarrow = "minmax(0, 1fr) 104px 76px";

const useStyles = makeStyles({
  filters: { display: "flex", flexWrap: "wrap", alignItems: "center", gap: "8px", marginBottom: "12px" },
  states: { display: "flex", flexWrap: "wrap", gap: "2px" },
  shown: { color: tokens.colorNeutralForeground3, fontVariantNumeric: "tabular-nums", marginLeft: "auto" },
  scroll: {
    height: "min(62vh, 680px)",
    overflowY: "auto",
    overflowX: "hidden",
    position: "relative",
    contain: "strict",
  },
  row: {
    display: "grid",
    alignItems: "center",
    columnGap: "16px",
    padding: "0 12px",
    height: `${rowHeight}px`,
    boxSizing: "border-box",
    borderBottom: `1px solid ${tokens.colorNeutralStroke3}`,
  },
  placed: { position: "absolute", left: 0, right: 0, top: 0, contain: "layout style" },
  wide: { gridTemplateColumns: columnsWide },
  narrow: { gridTemplateColumns: columnsNarrow },
  name: {
    overflow: "hidden",
    textOverflow: "ellipsis",
    whiteSpace: "nowrap",
    textAlign: "left",
    background: "none",
    border: "none",
    padding: "4px 0",
    font: "inherit",
    color: tokens.colorBrandForegroundLink,
    cursor: "pointer",
    ":hover": { textDecorationLine: "underline" },
    ":focus-visible": { outline: `2px solid ${tokens.colorStrokeFocus2}`, borderRadius: tokens.borderRadiusSmall },
  },
  nameCell: { minWidth: 0, display: "flex" },
  number: { textAlign: "right" },
});

type Shown = PartState | "all";
const states: readonly Shown[] = ["all", "loading", "queued", "completed", "errored"];

export function TablesTab({
  tables,
  databases,
  database,
  chooseDatabase,
}: {
  tables: ReadonlyMap<string, TableView> | undefined;
  databases: readonly string[];
  database: string | undefined;
  chooseDatabase: (database: string | undefined) => void;
}) {
  const styles = useStyles();
  const shared = useTableStyles();
  const narrow = useNarrow();
  const restore = useRestoreFocusTarget();
  const [state, setState] = useState<Shown>("all");
  const [wanted, setWanted] = useState("");
  const [opened, setOpened] = useState<string | undefined>();
  const scroller = useRef<HTMLDivElement>(null);
  const all = useMemo(
    () =>
      [...(tables?.values() ?? [])].sort(
        (one, other) => other.bytesEstimated - one.bytesEstimated || (one.key < other.key ? -1 : 1),
      ),
    [tables],
  );
  const ofDatabase = useMemo(
    () => all.filter((table) => database === undefined || table.database === database),
    [all, database],
  );
  const shown = useMemo(() => {
    const word = wanted.toLowerCase();
    return ofDatabase.filter(
      (table) =>
        (state === "all" || table.state === state) &&
        (word === "" || `${table.database}.${table.schemaName}.${table.tableName}`.toLowerCase().includes(word)),
    );
  }, [ofDatabase, state, wanted]);
  const counts = useMemo(() => {
    const numbers = new Map<Shown, number>([["all", ofDatabase.length]]);
    for (const table of ofDatabase) numbers.set(table.state, (numbers.get(table.state) ?? 0) + 1);
    return numbers;
  }, [ofDatabase]);
  const rows = useVirtualizer({
    count: shown.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 8,
  });
  if (tables === undefined) return <Loading />;
  const words = text.tables;
  const { columns } = words;
  const layout = mergeClasses(styles.row, narrow ? styles.narrow : styles.wide);
  const heads = narrow
    ? [columns.table, columns.state, columns.size]
    : [columns.table, columns.state, columns.parts, columns.rows, columns.size, columns.copied, columns.verified];
  return (
    <>
      <div className={styles.filters}>
        {databases.length > 1 && (
          <Select
            aria-label={words.database}
            value={database ?? ""}
            onChange={(_, { value }) => chooseDatabase(value === "" ? undefined : value)}
          >
            <option value="">{words.anyDatabase}</option>
            {databases.map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </Select>
        )}
        {/* biome-ignore lint/a11y/useSemanticElements: a fieldset cannot be laid out in a row of filters everywhere. */}
        <span className={styles.states} role="group" aria-label={words.whichState}>
          {states.map((one) => (
            <ToggleButton
              key={one}
              size="small"
              appearance="subtle"
              checked={state === one}
              onClick={() => setState(one)}
            >
              {`${one === "all" ? words.all : words.states[one]} ${count(counts.get(one) ?? 0)}`}
            </ToggleButton>
          ))}
        </span>
        <SearchBox
          size="small"
          placeholder={words.filter}
          aria-label={words.filter}
          value={wanted}
          onChange={(_, { value }) => setWanted(value)}
        />
        <span className={styles.shown}>{words.shown(count(shown.length), count(ofDatabase.length))}</span>
      </div>
      <div className={shared.card}>
        {shown.length === 0 ? (
          <Empty>{all.length === 0 ? words.empty : words.noMatch}</Empty>
        ) : (
          // biome-ignore lint/a11y/useSemanticElements: rows of a <table> cannot be placed one by one.
          <div role="table" aria-label={words.title} aria-rowcount={shown.length + 1}>
            {/* biome-ignore lint/a11y/useSemanticElements: as above */}
            {/* biome-ignore lint/a11y/useFocusableInteractive: rows are not interactive, their names are */}
            <div role="row" aria-rowindex={1} className={mergeClasses(layout, shared.head, shared.headCell)}>
              {heads.map((head, index) => (
                // biome-ignore lint/a11y/useSemanticElements: as above
                // biome-ignore lint/a11y/useFocusableInteractive: as above
                <span
                  key={head}
                  role="columnheader"
                  className={
                    narrow
                      ? index === 2
                        ? styles.number
                        : undefined
                      : index > 2 && index < 6
                        ? styles.number
                        : undefined
                  }
                >
                  {head}
                </span>
              ))}
            </div>
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard. */}
            {/* biome-ignore lint/a11y/useSemanticElements: as above */}
            <div ref={scroller} className={styles.scroll} role="rowgroup" tabIndex={0} data-testid="tables">
              <div role="presentation" style={{ height: rows.getTotalSize(), position: "relative" }}>
                {rows.getVirtualItems().map(({ index, start }) => {
                  const table = shown[index];
                  return (
                    table && (
                      // biome-ignore lint/a11y/useSemanticElements: as above
                      // biome-ignore lint/a11y/useFocusableInteractive: as above
                      <div
                        key={table.key}
                        role="row"
                        aria-rowindex={index + 2}
                        className={mergeClasses(layout, styles.placed)}
                        style={{ transform: `translateY(${start}px)` }}
                      >
                        <Cells
                          table={table}
                          narrow={narrow}
                          qualified={database === undefined && databases.length > 1}
                          open={setOpened}
                          restore={restore}
                        />
                      </div>
                    )
                  );
                })}
              </div>
            </div>
          </div>
        )}
      </div>
      <TablePane table={opened === undefined ? undefined : tables.get(opened)} close={() => setOpened(undefined)} />
    </>
  );
}

const Cells = memo(function Cells({
  table,
  narrow,
  qualified,
  open,
  restore,
}: {
  table: TableView;
  narrow: boolean;
  qualified: boolean;
  open: (key: string) => void;
  restore: object;
}) {
  const styles = useStyles();
  const shared = useTableStyles();
  const number = mergeClasses(shared.number, styles.number);
  const name = `${qualified ? `${table.database} · ` : ""}${table.schemaName}.${table.tableName}`;
  return (
    <>
      <Cell className={styles.nameCell}>
        <button type="button" className={styles.name} title={name} onClick={() => open(table.key)} {...restore}>
          {name}
        </button>
      </Cell>
      <Cell>
        <Status tone={partTones[table.state]}>{text.partStates[table.state]}</Status>
      </Cell>
      {!narrow && (
        <>
          <Cell>
            <PartsBar parts={table.parts} />
          </Cell>
          <Cell className={number}>{count(table.rows)}</Cell>
        </>
      )}
      <Cell className={number}>{bytes(table.bytesEstimated)}</Cell>
      {!narrow && (
        <>
          <Cell className={number}>{bytes(table.bytes)}</Cell>
          <Cell>{table.verified ?? text.none}</Cell>
        </>
      )}
    </>
  );
});

function Cell({ className, children }: { className?: string; children: React.ReactNode }) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: rows of a <table> cannot be placed one by one.
    <span role="cell" className={className}>
      {children}
    </span>
  );
}
