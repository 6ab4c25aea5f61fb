/**
 * What a server has said, as far as it may be told: values of rows stay out of what this service answers, stores, sends and logs. A message of the
 * server's own names objects; its detail, its context and what a user's function has said may quote a row. ROW_VALUES_IN_ERRORS has all of it told.
 */
import type { DatabaseError } from "pg";
import { settings } from "../settings.js";

export interface ServerWords {
  readonly message: string;
  readonly detail?: string;
  readonly hint?: string;
  readonly where?: string;
}

/**
 * SQLSTATE classes (PostgreSQL docs, appendix A) whose detail is about connections, catalogues, locks or the machine. Whatever is not here may be
 * about a row: data exceptions (22), constraints (23, 44), limits (54), what functions raise (P0, 38, 39) and what nobody has thought of.
 */
const withoutRows = ["08", "0A", "0L", "25", "26", "28", "2B", "3B", "3D", "3F", "40", "42", "53", "55", "57", "58"];

/** Data exceptions quote the value that they are about; these words come before a name. */
const quoted =
  /(?<!\b(?:type|enum|domain|encoding|column|relation|constraint|function|language|index|parameter|provider) )"(?:[^"]|"")*"/g;

const withheld = "(Values of rows are withheld; the app setting ROW_VALUES_IN_ERRORS shows them.)";

/**
 * @param ofRows whether the statement has to do with rows: then what a function raises is its words about one of them. Elsewhere it is a trigger's on
 * commands, and what it says is the reason.
 */
export function wordsOf(error: DatabaseError, { ofRows = false }: { readonly ofRows?: boolean } = {}): ServerWords {
  const { detail, hint } = error;
  const where = error.where?.split("\n")[0];
  const words = { message: error.message, ...given({ detail, hint, where }) };
  if (settings().rowValuesInErrors) return words;
  const raised = error.routine === "exec_stmt_raise" || /^(?:38|39|P0)/.test(error.code ?? "");
  if (!raised && withoutRows.some((state) => error.code?.startsWith(state) === true)) return words;
  const inCopy = /(?:^|\n)COPY /.test(error.where ?? "");
  const ofFunction = raised && (ofRows || inCopy);
  const kept = {
    ...given({ where: placeIn(where), detail: keyIn(detail) }),
    ...(ofFunction ? {} : given({ hint })),
    message: ofFunction
      ? "a function of the user's has raised an exception"
      : error.code?.startsWith("22") === true
        ? error.message.replaceAll(quoted, '"…"')
        : error.message,
  };
  const same = Object.entries(words).every(([name, text]) => kept[name as keyof typeof kept] === text);
  return same ? words : { ...kept, hint: [kept.hint, withheld].filter((text) => text !== undefined).join(" ") };
}

function given(words: Record<string, string | undefined>): Partial<ServerWords> {
  return Object.fromEntries(Object.entries(words).filter(([, text]) => text !== undefined && text !== ""));
}

/** Function, table, line and column; not the text that was read there, a statement or its parameters. */
function placeIn(where: string | undefined): string | undefined {
  return /^(?:PL\/\w+ function [^"']*|SQL function "[^"]*"(?: statement \d+| during \w+)?|COPY .*?, line \d+(?:, column [^:]*)?)/.exec(
    where ?? "",
  )?.[0];
}

/** Which columns a key has. */
function keyIn(detail: string | undefined): string | undefined {
  const columns = /^Key (\(.*?\))=\(/.exec(detail ?? "")?.[1];
  return columns === undefined ? undefined : `It is about a key ${columns}.`;
}
