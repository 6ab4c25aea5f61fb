/** Validation in two sections, instance and databases, Failed first; a rule's pane has what was found and what to do. */
import {
  Link as FluentLink,
  makeStyles,
  mergeClasses,
  Subtitle2,
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
import type { Migration, RuleOutcome } from "../../api/resources.js";
import { Empty } from "../../elements/empty.js";
import { Facts } from "../../elements/facts.js";
import { Loading } from "../../elements/loading.js";
import { Pane } from "../../elements/pane.js";
import { ruleTones, Status } from "../../elements/status.js";
import { useTableStyles } from "../../elements/table-styles.js";
import { Words } from "../../elements/words.js";
import { duration } from "../../format/quantities.js";
import { utcTime } from "../../format/times.js";
import { text } from "../../text.js";

const useStyles = makeStyles({
  sections: { display: "flex", flexDirection: "column", gap: "20px" },
  head: { display: "flex", flexWrap: "wrap", alignItems: "baseline", columnGap: "12px", margin: "0 0 8px" },
  summary: {
    color: tokens.colorNeutralForeground3,
    fontWeight: tokens.fontWeightRegular,
    fontSize: tokens.fontSizeBase300,
  },
  section: { marginTop: "20px" },
  messages: {
    margin: "8px 0 0",
    padding: 0,
    listStyleType: "none",
    display: "flex",
    flexDirection: "column",
    gap: "12px",
  },
  message: { display: "grid", gridTemplateColumns: "1fr", gap: "4px" },
  title: { margin: 0 },
  link: { textAlign: "left" },
});

export function ValidationTab({
  migration,
  outcomes,
}: {
  migration: Migration;
  outcomes: readonly RuleOutcome[] | undefined;
}) {
  const styles = useStyles();
  const [opened, setOpened] = useState<RuleOutcome | undefined>();
  if (migration.properties.migrationOption === "Migrate") return <Empty>{text.validation.none}</Empty>;
  if (outcomes === undefined) return <Loading />;
  if (outcomes.length === 0) return <Empty>{text.validation.notYet}</Empty>;
  const names = [...new Set(outcomes.flatMap(({ database }) => database ?? []))];
  const sections = [
    { title: text.validation.instance, outcomes: outcomes.filter(({ level }) => level === "server") },
    ...names.map((name) => ({
      title: text.validation.database(name),
      outcomes: outcomes.filter(({ database }) => database === name),
    })),
  ];
  // What has to be mended comes first.
  const failed = (section: (typeof sections)[number]) => section.outcomes.some(({ state }) => state === "Failed");
  return (
    <div className={styles.sections}>
      {[...sections.filter(failed), ...sections.filter((section) => !failed(section))].map((section) => (
        <Section key={section.title} title={section.title} outcomes={section.outcomes} open={setOpened} />
      ))}
      <RulePane outcome={opened} close={() => setOpened(undefined)} />
    </div>
  );
}

function Section({
  title,
  outcomes,
  open,
}: {
  title: string;
  outcomes: readonly RuleOutcome[];
  open: (outcome: RuleOutcome) => void;
}) {
  const styles = useStyles();
  const shared = useTableStyles();
  const restore = useRestoreFocusTarget();
  const number = (state: RuleOutcome["state"]) => outcomes.filter((outcome) => outcome.state === state).length;
  const { columns } = text.validation;
  return (
    <section>
      <Subtitle2 as="h2" className={styles.head}>
        {title}
        <span className={styles.summary}>
          {text.validation.summary(number("Failed"), number("Warning"), number("Succeeded"))}
        </span>
      </Subtitle2>
      <div className={shared.card}>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard. */}
        <section className={shared.scroll} tabIndex={0} aria-label={title}>
          <Table size="small" className={shared.table} aria-label={title}>
            <TableHeader className={shared.head}>
              <TableRow>
                <TableHeaderCell className={shared.headCell}>{columns.status}</TableHeaderCell>
                <TableHeaderCell className={shared.headCell}>{columns.rule}</TableHeaderCell>
                <TableHeaderCell className={mergeClasses(shared.headCell, shared.headNumber)}>
                  {columns.duration}
                </TableHeaderCell>
                <TableHeaderCell className={shared.headCell}>{columns.start}</TableHeaderCell>
                <TableHeaderCell className={shared.headCell}>{columns.end}</TableHeaderCell>
              </TableRow>
            </TableHeader>
            <TableBody>
              {outcomes.map((outcome) => (
                <TableRow key={outcome.rule}>
                  <TableCell className={shared.cell}>
                    <Status tone={ruleTones[outcome.state]}>{text.ruleStates[outcome.state]}</Status>
                  </TableCell>
                  <TableCell className={shared.cell}>
                    <FluentLink as="button" className={styles.link} {...restore} onClick={() => open(outcome)}>
                      {outcome.title}
                    </FluentLink>
                  </TableCell>
                  <TableCell className={mergeClasses(shared.cell, shared.number)}>
                    {duration(outcome.durationMs / 1_000)}
                  </TableCell>
                  <TableCell className={shared.cell}>
                    {outcome.startedOn === undefined ? text.none : utcTime(outcome.startedOn).slice(11, 19)}
                  </TableCell>
                  <TableCell className={shared.cell}>
                    {outcome.endedOn === undefined ? text.none : utcTime(outcome.endedOn).slice(11, 19)}
                  </TableCell>
                </TableRow>
              ))}
            </TableBody>
          </Table>
        </section>
      </div>
    </section>
  );
}

function RulePane({ outcome, close }: { outcome: RuleOutcome | undefined; close: () => void }) {
  const styles = useStyles();
  const words = text.validation;
  return (
    <Pane title={outcome?.title ?? ""} open={outcome !== undefined} close={close}>
      {outcome !== undefined && (
        <>
          <Facts
            facts={[
              [
                words.columns.status,
                <Status key="state" tone={ruleTones[outcome.state]}>
                  {text.ruleStates[outcome.state]}
                </Status>,
              ],
              [words.columns.rule, outcome.rule],
              [text.databases.columns.database, outcome.database],
              [words.columns.duration, duration(outcome.durationMs / 1_000)],
              [words.columns.start, outcome.startedOn === undefined ? undefined : utcTime(outcome.startedOn)],
              [words.columns.end, outcome.endedOn === undefined ? undefined : utcTime(outcome.endedOn)],
            ]}
          />
          <section className={styles.section}>
            <Subtitle2 as="h3" className={styles.title}>
              {words.found}
            </Subtitle2>
            {outcome.messages.length === 0 ? (
              <p>{words.nothing}</p>
            ) : (
              <ul className={styles.messages}>
                {outcome.messages.map(({ state, message }) => (
                  <li key={message} className={styles.message}>
                    <Status tone={ruleTones[state]}>{text.ruleStates[state]}</Status>
                    <Words>{message}</Words>
                  </li>
                ))}
              </ul>
            )}
          </section>
          {outcome.state !== "Succeeded" && outcome.remedy !== undefined && (
            <section className={styles.section}>
              <Subtitle2 as="h3" className={styles.title}>
                {words.remedy}
              </Subtitle2>
              <Words>{outcome.remedy.replaceAll("`", "")}</Words>
            </section>
          )}
        </>
      )}
    </Pane>
  );
}
