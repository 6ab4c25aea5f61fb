/**
 * A dump's text as single statements, cut by PostgreSQL's own parser (libpg-query), so that semicolons, quotes and dollar
 * signs in function bodies mean what they mean to the server.
 */
import { type Node, parse, SqlError } from "libpg-query";
import { ServiceError } from "../model/service-error.js";

/** One statement with the syntax tree that it was recognised by. */
export interface ParsedStatement {
  /** Without the comments before it and the semicolon after it. */
  readonly sql: string;
  readonly tree: Node;
}

/**
 * Bytes that are handed to the parser at once. Its tree is some thirty times as long as the text, so a dump of many
 * megabytes must not be parsed whole; below this size nothing gets faster.
 */
const chunkBytes = 32 * 1024;

/** What pg_dump writes before each object. In front of it a statement has ended, unless the line is part of a string. */
const objectHeading = /\n--\n-- Name: /g;

const dumpStart = /^--\n-- PostgreSQL database dump\n--\n\n(?:\\restrict ([A-Za-z0-9]+)\n)?/;

/**
 * Splits a dump written by pg_dump in plain format.
 * Throws ServiceError SchemaNotUnderstood when PostgreSQL 18's parser refuses a statement.
 */
export async function splitStatements(dump: string): Promise<ParsedStatement[]> {
  const text = withoutRestrictCommands(dump);
  const statements: ParsedStatement[] = [];
  let start = 0;
  while (start < text.length) {
    const chunk = await parseChunk(text, start);
    statements.push(...chunk.statements);
    start = chunk.end;
  }
  return statements;
}

/**
 * pg_dump guards its plain text with \restrict KEY after the first heading and \unrestrict KEY at the very end: commands
 * of psql's, not SQL. The same words elsewhere belong to somebody's function and stay.
 */
function withoutRestrictCommands(dump: string): string {
  const opening = dumpStart.exec(dump);
  const key = opening?.[1];
  if (opening === null || key === undefined) {
    return dump;
  }
  const closing = `\\unrestrict ${key}`;
  const body = dump.slice(opening[0].length).trimEnd();
  return body.endsWith(closing) ? body.slice(0, -closing.length) : body;
}

interface ParsedChunk {
  readonly statements: ParsedStatement[];
  /** Where the next chunk starts, in UTF-16 units. */
  readonly end: number;
}

/**
 * Parses from `start`, the end of a statement, up to a heading that is about a chunk away. When that heading turns out to
 * be inside a string, the text before it has an unclosed quote and does not parse: then a later heading is tried.
 */
async function parseChunk(text: string, start: number): Promise<ParsedChunk> {
  let length = chunkBytes;
  for (;;) {
    const end = nextHeading(text, start + length);
    try {
      return { statements: await parseText(text.slice(start, end)), end };
    } catch (error) {
      if (!(error instanceof SqlError)) {
        throw error;
      }
      if (end === text.length) {
        throw notUnderstood(text, start, error);
      }
      length = end - start + 1 + Math.floor(length / 2);
    }
  }
}

function nextHeading(text: string, from: number): number {
  objectHeading.lastIndex = from;
  return objectHeading.exec(text)?.index ?? text.length;
}

async function parseText(text: string): Promise<ParsedStatement[]> {
  const bytes = Buffer.from(text);
  const result = await parse(text);
  return (result.stmts ?? []).flatMap(({ stmt, stmt_location = 0, stmt_len }) => {
    // The parser counts bytes; a length of zero (left out) means up to the end.
    const end = stmt_len === undefined ? bytes.length : stmt_location + stmt_len;
    return stmt === undefined ? [] : [{ sql: withoutComments(bytes.toString("utf8", stmt_location, end)), tree: stmt }];
  });
}

/** Cuts blank lines and `--` comments off the front. pg_dump writes comments between statements only. */
function withoutComments(sql: string): string {
  return sql.replace(/^(?:\s+|--[^\n]*(?:\n|$))+/, "").replace(/[\s;]+$/, "");
}

function notUnderstood(text: string, start: number, error: SqlError): ServiceError {
  const position = start + (error.sqlDetails?.cursorPosition ?? 0);
  const heading = text.lastIndexOf("\n-- Name: ", position);
  const object = heading < 0 ? "" : text.slice(heading + 1, text.indexOf("\n", heading + 1)).replace(/^-- /, " near ");
  return new ServiceError("SchemaNotUnderstood", `The schema dump does not parse${object}: ${error.message}`, {
    cause: error,
  });
}
