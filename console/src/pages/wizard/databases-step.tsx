import {
  Checkbox,
  Field,
  MessageBar,
  MessageBarBody,
  makeStyles,
  mergeClasses,
  Radio,
  RadioGroup,
  Switch,
  Table,
  TableBody,
  TableCell,
  TableHeader,
  TableHeaderCell,
  TableRow,
  tokens,
} from "@fluentui/react-components";
import type { DatabaseContents, ListedDatabase } from "../../api/resources.js";
import { Empty } from "../../elements/empty.js";
import { Loading } from "../../elements/loading.js";
import { Problem } from "../../elements/problem.js";
import { Status } from "../../elements/status.js";
import { useTableStyles } from "../../elements/table-styles.js";
import { bytes, count } from "../../format/quantities.js";
import { text } from "../../text.js";
import { type Draft, maximumDatabases, type Verification, verifications } from "./draft.js";

const useStyles = makeStyles({
  help: { color: tokens.colorNeutralForeground2 },
  extensions: { maxWidth: "240px", overflowWrap: "anywhere" },
  option: { display: "flex", flexDirection: "column" },
  optionHelp: { color: tokens.colorNeutralForeground3, fontSize: tokens.fontSizeBase200, paddingLeft: "52px" },
  chosen: { color: tokens.colorNeutralForeground2, fontVariantNumeric: "tabular-nums" },
});

export function DatabasesStep({
  draft,
  change,
  listed,
  contents,
  onTarget,
  error,
  retry,
}: {
  draft: Draft;
  change: (part: Partial<Draft>) => void;
  listed: readonly ListedDatabase[] | undefined;
  contents: ReadonlyMap<string, DatabaseContents>;
  onTarget: ReadonlySet<string>;
  error: unknown;
  retry: () => void;
}) {
  const styles = useStyles();
  const shared = useTableStyles();
  const words = text.wizard;
  if (error !== null) return <Problem error={error} retry={retry} />;
  if (listed === undefined) return <Loading />;
  const chosen = new Set(draft.databases);
  const choose = (name: string, wanted: boolean) =>
    // In the source's order, so that the same choice is the same request.
    change({ databases: listed.map((one) => one.name).filter((one) => (one === name ? wanted : chosen.has(one))) });
  const size = listed.filter(({ name }) => chosen.has(name)).reduce((sum, { sizeBytes }) => sum + (sizeBytes ?? 0), 0);
  return (
    <>
      <span className={styles.help}>{words.chooseHelp}</span>
      {chosen.size > maximumDatabases && (
        <MessageBar intent="error">
          <MessageBarBody>{words.tooMany}</MessageBarBody>
        </MessageBar>
      )}
      {listed.length === 0 ? (
        <Empty>{words.noDatabases}</Empty>
      ) : (
        <div className={shared.card}>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard. */}
          <section className={shared.scroll} tabIndex={0} aria-label={words.choose}>
            <Table size="small" className={shared.table} aria-label={words.choose}>
              <TableHeader className={shared.head}>
                <TableRow>
                  <TableHeaderCell className={shared.headCell}>{words.columns.database}</TableHeaderCell>
                  <TableHeaderCell className={mergeClasses(shared.headCell, shared.headNumber)}>
                    {words.columns.size}
                  </TableHeaderCell>
                  <TableHeaderCell className={mergeClasses(shared.headCell, shared.headNumber)}>
                    {words.columns.tables}
                  </TableHeaderCell>
                  <TableHeaderCell className={shared.headCell}>{words.columns.largest}</TableHeaderCell>
                  <TableHeaderCell className={shared.headCell}>{words.columns.encoding}</TableHeaderCell>
                  <TableHeaderCell className={shared.headCell}>{words.columns.extensions}</TableHeaderCell>
                  <TableHeaderCell className={shared.headCell}>{words.columns.target}</TableHeaderCell>
                </TableRow>
              </TableHeader>
              <TableBody>
                {listed.map(({ name, sizeBytes, encoding }) => {
                  const inside = contents.get(name);
                  const largest = inside?.largestTable;
                  return (
                    <TableRow key={name}>
                      <TableCell className={shared.cell}>
                        <Checkbox
                          label={name}
                          checked={chosen.has(name)}
                          onChange={(_, { checked }) => choose(name, checked === true)}
                        />
                      </TableCell>
                      <TableCell className={mergeClasses(shared.cell, shared.number)}>
                        {sizeBytes === undefined ? text.none : bytes(sizeBytes)}
                      </TableCell>
                      <TableCell className={mergeClasses(shared.cell, shared.number)}>
                        {inside === undefined
                          ? words.describing
                          : inside.tables === undefined
                            ? text.none
                            : count(inside.tables)}
                      </TableCell>
                      <TableCell className={shared.cell}>
                        {largest === undefined
                          ? text.none
                          : `${largest.schemaName}.${largest.tableName}, ${bytes(largest.bytes)}`}
                      </TableCell>
                      <TableCell className={shared.cell}>{encoding}</TableCell>
                      <TableCell className={mergeClasses(shared.cell, styles.extensions)}>
                        {(inside?.extensions ?? []).map((extension) => extension.name).join(", ") || text.none}
                      </TableCell>
                      <TableCell className={shared.cell}>
                        {onTarget.has(name) ? (
                          <Status tone="warning">{draft.overwrite ? words.onTarget : words.onTargetAsk}</Status>
                        ) : (
                          words.notOnTarget
                        )}
                      </TableCell>
                    </TableRow>
                  );
                })}
              </TableBody>
            </Table>
          </section>
        </div>
      )}
      <span className={styles.chosen} aria-live="polite">
        {chosen.size === 0 ? words.chooseOne : words.selected(chosen.size, bytes(size))}
      </span>
      <Option
        label={words.overwrite}
        help={words.overwriteHelp}
        checked={draft.overwrite}
        set={(overwrite) => change({ overwrite })}
      />
      <Option
        label={words.roles}
        help={words.rolesHelp}
        checked={draft.migrateRoles}
        set={(migrateRoles) => change({ migrateRoles })}
      />
      {draft.option !== "Validate" && (
        <Field label={words.verification}>
          <RadioGroup
            value={draft.verification}
            onChange={(_, { value }) => change({ verification: value as Verification })}
          >
            {verifications.map((one) => (
              <Radio key={one} value={one} label={words.verifications[one]} />
            ))}
          </RadioGroup>
        </Field>
      )}
      {draft.mode === "Online" && (
        <Option
          label={words.setup}
          help={words.setupHelp}
          checked={draft.setUpReplication}
          set={(setUpReplication) => change({ setUpReplication })}
        />
      )}
    </>
  );
}

function Option({
  label,
  help,
  checked,
  set,
}: {
  label: string;
  help: string;
  checked: boolean;
  set: (checked: boolean) => void;
}) {
  const styles = useStyles();
  return (
    <div className={styles.option}>
      <Switch label={label} checked={checked} onChange={(_, data) => set(data.checked)} />
      <span className={styles.optionHelp}>{help}</span>
    </div>
  );
}
