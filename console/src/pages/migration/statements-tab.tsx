/** Statements of the schema that the target did not take at once: why, what to do, as a script, and tried again. */
import {
  Button,
  Field,
  Input,
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
import { ArrowDownload20Regular, ArrowRepeatAll20Regular } from "@fluentui/react-icons";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { call, callText, migrationPath } from "../../api/client.js";
import type { Migration, MigrationId, SchemaStatement, StatementFate } from "../../api/resources.js";
import { Empty } from "../../elements/empty.js";
import { Loading } from "../../elements/loading.js";
import { Problem } from "../../elements/problem.js";
import { Status, type Tone } from "../../elements/status.js";
import { useTableStyles } from "../../elements/table-styles.js";
import { CodeBlock, Words } from "../../elements/words.js";
import { saveFile } from "../../format/save-file.js";
import { hasEnded } from "../../migration/progress.js";
import { text } from "../../text.js";

const useStyles = makeStyles({
  actions: { display: "flex", flexWrap: "wrap", gap: "12px", alignItems: "flex-end", marginBottom: "12px" },
  help: { color: tokens.colorNeutralForeground2, margin: "0 0 12px" },
  detail: { minWidth: "260px", maxWidth: "720px" },
  object: { overflowWrap: "anywhere", minWidth: "140px" },
  said: { color: tokens.colorNeutralForeground1, overflowWrap: "anywhere" },
});

const tones: Record<StatementFate, Tone> = { applied: "good", leftOut: "warning", refused: "bad" };

export function StatementsTab({
  id,
  migration,
  statements,
}: {
  id: MigrationId;
  migration: Migration;
  statements: readonly SchemaStatement[] | undefined;
}) {
  const styles = useStyles();
  const shared = useTableStyles();
  const words = text.statements;
  const script = useMutation({
    mutationFn: async () =>
      saveFile(
        `${id.name}-statements.sql`,
        "application/sql",
        await callText(`${migrationPath(id)}/statements`, { format: "sql" }),
      ),
  });
  if (statements === undefined) return <Loading />;
  if (statements.length === 0) return <Empty>{words.none}</Empty>;
  const left = statements.filter(({ fate }) => fate !== "applied");
  return (
    <>
      <p className={styles.help}>{words.help}</p>
      {left.length > 0 && (
        <div className={styles.actions}>
          <Button icon={<ArrowDownload20Regular />} onClick={() => script.mutate()} disabled={script.isPending}>
            {words.script}
          </Button>
        </div>
      )}
      {script.error !== null && <Problem error={script.error} />}
      {left.length > 0 && hasEnded(migration) && <TryAgain id={id} />}
      <div className={shared.card}>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard. */}
        <section className={shared.scroll} tabIndex={0} aria-label={text.migration.tabs.statements}>
          <Table size="small" className={shared.table} aria-label={text.migration.tabs.statements}>
            <TableHeader className={shared.head}>
              <TableRow>
                <TableHeaderCell className={shared.headCell}>{words.columns.database}</TableHeaderCell>
                <TableHeaderCell className={shared.headCell}>{words.columns.object}</TableHeaderCell>
                <TableHeaderCell className={shared.headCell}>{words.columns.fate}</TableHeaderCell>
                <TableHeaderCell className={shared.headCell}>{words.columns.why}</TableHeaderCell>
              </TableRow>
            </TableHeader>
            <TableBody>
              {statements.map(({ order, database, object, fate, code, message, remedy, statement }) => (
                <TableRow key={order}>
                  <TableCell className={shared.cell}>{database ?? words.server}</TableCell>
                  <TableCell className={mergeClasses(shared.cell, styles.object)}>{object}</TableCell>
                  <TableCell className={shared.cell}>
                    <Status tone={tones[fate]}>{words.fates[fate]}</Status>
                  </TableCell>
                  <TableCell className={mergeClasses(shared.cell, styles.detail)}>
                    {message !== undefined && (
                      <span className={styles.said}>{code === undefined ? message : `${message} (${code})`}</span>
                    )}
                    {remedy !== undefined && <Words>{remedy}</Words>}
                    <CodeBlock code={`${statement};`} />
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

/** The migration's own password is deleted when it ends: the retry takes one of its own. */
function TryAgain({ id }: { id: MigrationId }) {
  const styles = useStyles();
  const words = text.statements;
  const queries = useQueryClient();
  const [password, setPassword] = useState("");
  const [user, setUser] = useState("");
  const retry = useMutation({
    mutationFn: () =>
      call<Migration>(`${migrationPath(id)}/statements/retry`, {
        method: "POST",
        body: {
          properties: {
            secretParameters: {
              adminCredentials: { targetServerPassword: password },
              ...(user.trim() === "" ? {} : { targetServerUsername: user.trim() }),
            },
          },
        },
      }),
    onSuccess: (migration) => {
      setPassword("");
      queries.setQueryData(["migration", migrationPath(id)], migration);
      void queries.invalidateQueries();
    },
  });
  return (
    <>
      <form
        className={styles.actions}
        onSubmit={(event) => {
          event.preventDefault();
          retry.mutate();
        }}
      >
        <Field label={words.password}>
          <Input
            type="password"
            value={password}
            onChange={(_, { value }) => setPassword(value)}
            autoComplete="new-password"
          />
        </Field>
        <Field label={words.user}>
          <Input value={user} onChange={(_, { value }) => setUser(value)} autoComplete="off" />
        </Field>
        <Button type="submit" icon={<ArrowRepeatAll20Regular />} disabled={password === "" || retry.isPending}>
          {words.retry}
        </Button>
      </form>
      {retry.error !== null && <Problem error={retry.error} />}
    </>
  );
}
