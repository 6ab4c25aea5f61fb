/** Logical replication's messages, as pgoutput writes them (PostgreSQL docs, "Logical Replication Message Formats", protocol version 1). */

export interface ChangedRelation {
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly { readonly name: string; readonly key: boolean }[];
}

/** Values by column, as text; a column that did not change and was not sent is left out. */
export type ChangedRow = ReadonlyMap<string, string | null>;

export type Change =
  | { readonly kind: "insert"; readonly relation: ChangedRelation; readonly row: ChangedRow }
  | { readonly kind: "update"; readonly relation: ChangedRelation; readonly row: ChangedRow; readonly key: ChangedRow }
  | { readonly kind: "delete"; readonly relation: ChangedRelation; readonly key: ChangedRow }
  | {
      readonly kind: "truncate";
      readonly relations: readonly ChangedRelation[];
      readonly restartsIdentity: boolean;
    };

/**
 * The row changes of the first transaction that ends after `applied`.
 * @param applied a position of the source's WAL: transactions that committed before are left out
 */
export function firstTransaction(messages: readonly Buffer[], applied: bigint): Change[] {
  const relations = new Map<number, ChangedRelation>();
  const changes: Change[] = [];
  let pending = false;
  for (const message of messages) {
    const reader = new MessageReader(message);
    const kind = reader.character();
    if (kind === "B") pending = reader.position() >= applied;
    else if (kind === "R") relations.set(...reader.relation());
    else if (kind === "C" && pending && changes.length > 0) return changes;
    else if (pending && kind === "T") changes.push(reader.truncate(relations));
    else if (pending && (kind === "I" || kind === "U" || kind === "D")) {
      const relation = relations.get(reader.integer());
      if (relation !== undefined) changes.push(reader.change(kind, relation));
    }
  }
  return changes;
}

class MessageReader {
  readonly #message: Buffer;
  #at = 0;

  constructor(message: Buffer) {
    this.#message = message;
  }

  character(): string {
    return String.fromCharCode(this.#message.readUInt8(this.#at++));
  }

  integer(): number {
    this.#at += 4;
    return this.#message.readUInt32BE(this.#at - 4);
  }

  position(): bigint {
    this.#at += 8;
    return this.#message.readBigUInt64BE(this.#at - 8);
  }

  relation(): [oid: number, ChangedRelation] {
    const oid = this.integer();
    const schema = this.#text() || "pg_catalog";
    const name = this.#text();
    this.#at += 1;
    const columns = Array.from({ length: this.#short() }, () => {
      const key = (this.#message.readUInt8(this.#at++) & 1) === 1;
      const column = { name: this.#text(), key };
      this.#at += 8;
      return column;
    });
    return [oid, { schema, name, columns }];
  }

  truncate(known: ReadonlyMap<number, ChangedRelation>): Change {
    const count = this.integer();
    // Bit 0: CASCADE, bit 1: RESTART IDENTITY.
    const options = this.#message.readUInt8(this.#at++);
    const relations = Array.from({ length: count }, () => known.get(this.integer()));
    return {
      kind: "truncate",
      relations: relations.filter((relation) => relation !== undefined),
      restartsIdentity: (options & 2) === 2,
    };
  }

  change(kind: "I" | "U" | "D", relation: ChangedRelation): Change {
    let marker = this.character();
    if (kind === "I") return { kind: "insert", relation, row: this.#row(relation) };
    let key: ChangedRow | undefined;
    if (marker === "K" || marker === "O") {
      key = this.#keyOf(relation, this.#row(relation), marker === "O");
      if (kind === "D") return { kind: "delete", relation, key };
      marker = this.character();
    }
    const row = this.#row(relation);
    return { kind: "update", relation, row, key: key ?? this.#keyOf(relation, row, false) };
  }

  #keyOf({ columns }: ChangedRelation, row: ChangedRow, whole: boolean): ChangedRow {
    const names = new Set(columns.filter(({ key }) => whole || key).map(({ name }) => name));
    return new Map([...row].filter(([name]) => names.has(name)));
  }

  #row({ columns }: ChangedRelation): ChangedRow {
    const row = new Map<string, string | null>();
    const count = this.#short();
    for (let index = 0; index < count; index++) {
      const form = this.character();
      const name = columns[index]?.name ?? "";
      if (form === "n") row.set(name, null);
      if (form !== "t") continue;
      const length = this.integer();
      row.set(name, this.#message.toString("utf8", this.#at, this.#at + length));
      this.#at += length;
    }
    return row;
  }

  #short(): number {
    this.#at += 2;
    return this.#message.readUInt16BE(this.#at - 2);
  }

  #text(): string {
    const end = this.#message.indexOf(0, this.#at);
    const text = this.#message.toString("utf8", this.#at, end);
    this.#at = end + 1;
    return text;
  }
}
