/**
 * What a server may send, checked before anybody reads it (PostgreSQL docs, "Message Flow", "Message Formats"). The driver takes every byte for
 * granted: a length that is too small throws in the socket's handler and ends the process, one of 2 GB is waited for in memory, and an answer too
 * many becomes the next query's. Whatever the server is, or whatever sits in between: here it is a broken connection, and nothing worse.
 *
 * COPY data flow through with one look at each message's header, and are never kept.
 */

/** SQLSTATE protocol_violation: what a connection is broken with, and so worth another attempt. */
const protocolViolation = "08P01";

/** The server, or what is in between, does not keep to the protocol. The connection is of no use any more. */
export class ProtocolViolation extends Error {
  readonly code = protocolViolation;

  constructor(what: string) {
    super(`the server's messages break PostgreSQL's protocol: ${what}`);
  }
}

const KIB = 1024;
const MIB = 1024 * KIB;

/** Bytes of an error's or notice's text that are kept; the rest is dropped. The message comes first, context last. */
const reportBytes = 64 * KIB;

/** Bytes of all messages of one answer but COPY data: catalogues of a hundred thousand tables are far below. */
const answerBytes = 512 * MIB;

/** Bytes of a COPY message that somebody has to keep whole, because nobody streams it. */
const keptCopyBytes = MIB;

const code = (letter: string) => letter.charCodeAt(0);
const [copyData, dataRow, rowDescription, commandComplete, readyForQuery, errorResponse, notice] = [..."dDTCZEN"].map(
  code,
) as [number, number, number, number, number, number, number];
const [authentication, backendKey] = [..."RK"].map(code) as [number, number];

/** Every message that may come, with its least and its greatest length; the length counts itself. */
const lengths = new Map<number, readonly [least: number, most: number]>(
  (
    [
      ["1", 4, 4],
      ["2", 4, 4],
      ["3", 4, 4],
      ["n", 4, 4],
      ["s", 4, 4],
      ["c", 4, 4],
      ["I", 4, 4],
      ["Z", 5, 5],
      ["K", 12, 12],
      ["R", 8, 64 * KIB],
      ["S", 6, 64 * KIB],
      ["A", 10, 64 * KIB],
      ["C", 5, 64 * KIB],
      ["G", 7, 64 * KIB],
      ["H", 7, 64 * KIB],
      ["W", 7, 64 * KIB],
      ["t", 6, MIB],
      ["T", 6, 4 * MIB],
      ["D", 6, 64 * MIB],
      ["d", 4, 0x7fffffff],
      ["E", 5, 0x7fffffff],
      ["N", 5, 0x7fffffff],
    ] as const
  ).map(([letter, least, most]) => [code(letter), [least, most]]),
);

/** What a server says of its own accord: settings that have changed, notices, notifications, and why it ends a session. */
const unasked = new Set(["S", "N", "A", "E"].map(code));

/** What ends a statement: complete, failed, empty, suspended, closed. Without any of them ReadyForQuery says nothing. */
const ends = new Set(["C", "E", "I", "s", "3"].map(code));

/** What is for people to read, and may be of any length. */
const reportTypes = new Set([errorResponse, notice]);

/** Authentication methods whose messages hold more than the method. */
const [md5Password, sasl, saslContinue] = [5, 10, 11];

const rowsOfTag = /^(?:SELECT|FETCH) (\d+)$/;

export class ServerMessages {
  /** Bytes at the end of a chunk that are no whole header yet. */
  #header: Buffer | undefined;
  #type = 0;
  /** Bytes of the current message still to come. */
  #left = 0;
  /** What has come of a message that goes over the end of a chunk, header included; undefined while COPY data flow through. */
  #begun: Buffer[] | undefined;
  #begunBytes = 0;
  /** Answers that were asked for: a ReadyForQuery each. */
  #awaited = 0;
  #answerBytes = 0;
  #loggedIn = false;
  /** Whether the current answer has said how a statement ended. */
  #ended = false;
  /** Rows since their description, and its fields; undefined where none were described. */
  #rows: number | undefined;
  #fields = 0;

  /** Notes that a request goes out that the server ends its answer to with this many ReadyForQuery messages. */
  expect(answers = 1): void {
    this.#awaited += answers;
  }

  /**
   * Takes what has arrived, and returns what may be read of it.
   * @param streamed whether COPY data are read as they come, and kept by nobody.
   * @throws ProtocolViolation
   */
  pass(arrived: Buffer, streamed: boolean): Buffer[] {
    const chunk = this.#header === undefined ? arrived : Buffer.concat([this.#header, arrived]);
    this.#header = undefined;
    const passed: Buffer[] = [];
    /** Where that begins which has been looked at and not passed yet. */
    let from = 0;
    let at = 0;
    if (this.#left > 0) {
      at = Math.min(this.#left, chunk.length);
      this.#left -= at;
      if (this.#begun !== undefined) {
        this.#keep(chunk.subarray(0, at));
        from = at;
        if (this.#left === 0) passed.push(this.#whole(Buffer.concat(this.#begun)));
      }
      if (this.#left === 0) this.#begun = undefined;
    }
    while (chunk.length - at >= 5) {
      const type = chunk[at] as number;
      const length = chunk.readUInt32BE(at + 1);
      const end = at + 1 + length;
      // By far the most frequent message, once for every row.
      if (type === copyData && length >= 4 && streamed) {
        if (end > chunk.length) this.#left = end - chunk.length;
        at = Math.min(end, chunk.length);
        continue;
      }
      this.#check(type, length, streamed);
      this.#type = type;
      if (end > chunk.length) {
        if (at > from) passed.push(chunk.subarray(from, at));
        this.#begun = [];
        this.#begunBytes = 0;
        this.#keep(chunk.subarray(at));
        this.#left = end - chunk.length;
        from = at = chunk.length;
      } else {
        const whole = chunk.subarray(at, end);
        const readable = this.#whole(whole);
        if (readable !== whole) {
          passed.push(chunk.subarray(from, at), readable);
          from = end;
        }
        at = end;
      }
    }
    // A header has to wait for its rest.
    if (at < chunk.length) this.#header = Buffer.from(chunk.subarray(at));
    if (at > from) passed.push(chunk.subarray(from, at));
    return passed;
  }

  #check(type: number, length: number, streamed: boolean): void {
    const limits = lengths.get(type);
    if (limits === undefined) throw new ProtocolViolation(`there is no message of type 0x${type.toString(16)}`);
    const [least, most] = limits;
    const letter = String.fromCharCode(type);
    const limit = type === copyData && !streamed ? keptCopyBytes : most;
    if (length < least || length > limit) throw new ProtocolViolation(`a message "${letter}" of ${length} bytes`);
    if (this.#awaited === 0 && !unasked.has(type)) throw new ProtocolViolation(`a message "${letter}" unasked`);
    this.#answerBytes += Math.min(length, most, reportTypes.has(type) ? reportBytes : length);
    if (this.#answerBytes > answerBytes) throw new ProtocolViolation(`an answer of more than ${answerBytes} bytes`);
  }

  /** Keeps a copy: a whole chunk must not stay in memory for a few bytes of it. */
  #keep(bytes: Buffer): void {
    const room = reportTypes.has(this.#type) ? reportBytes - this.#begunBytes : bytes.length;
    if (room <= 0) return;
    this.#begun?.push(Buffer.from(bytes.subarray(0, room)));
    this.#begunBytes += Math.min(room, bytes.length);
  }

  /** Looks into a message, so that the driver finds in it what it looks for. @returns the same, or the part of a report that is kept. */
  #whole(message: Buffer): Buffer {
    const body = message.subarray(5);
    if (reportTypes.has(this.#type)) {
      if (this.#type === errorResponse) {
        this.#ended = true;
        this.#rows = undefined;
      }
      return wellFormed(message);
    }
    const fields = new Fields(body);
    switch (this.#type) {
      case dataRow:
        this.#countRow(fields.values());
        break;
      case rowDescription:
        this.#rows = 0;
        this.#fields = fields.descriptions();
        break;
      case commandComplete:
        this.#complete(fields.text());
        break;
      case readyForQuery:
        this.#ready(fields.bytes(1));
        break;
      case authentication:
        this.#logIn("R");
        fields.authentication();
        break;
      case backendKey:
        this.#logIn("K");
        fields.bytes(8);
        break;
      case copyData:
        return message;
      default:
        if (ends.has(this.#type)) this.#ended = true;
        fields.of(String.fromCharCode(this.#type));
    }
    fields.end();
    return message;
  }

  /** Asked in the middle of a session, a password would be given to whoever has just come in between. */
  #logIn(letter: string): void {
    if (this.#loggedIn) throw new ProtocolViolation(`a message "${letter}" after the login`);
    this.#ended = true;
  }

  #countRow(values: number): void {
    if (this.#rows === undefined || values !== this.#fields)
      throw new ProtocolViolation("a row that was not described");
    this.#rows += 1;
  }

  #ready(status: Buffer): void {
    if (!/^[ITE]$/.test(status.toString("latin1"))) throw new ProtocolViolation("a transaction in no known state");
    if (!this.#ended) throw new ProtocolViolation("an answer that does not say how it ended");
    if (this.#rows !== undefined) throw new ProtocolViolation("rows without an end");
    this.#awaited -= 1;
    this.#loggedIn = true;
    this.#ended = false;
    this.#answerBytes = 0;
  }

  /** As many rows have to have come as the server says that it sent: one that was lost on the way would be a table that is never copied. */
  #complete(tag: string): void {
    const sent = rowsOfTag.exec(tag)?.[1];
    if (this.#rows !== undefined && sent !== undefined && Number(sent) !== this.#rows) {
      throw new ProtocolViolation(`${sent} rows were sent and ${this.#rows} have arrived`);
    }
    this.#ended = true;
    this.#rows = undefined;
  }
}

/** What is in a message, one after the other. Each throws where it goes over the message's end. */
class Fields {
  readonly #body: Buffer;
  #at = 0;

  constructor(body: Buffer) {
    this.#body = body;
  }

  bytes(count: number): Buffer {
    if (count < 0 || this.#at + count > this.#body.length) throw new ProtocolViolation("a message that ends too early");
    this.#at += count;
    return this.#body.subarray(this.#at - count, this.#at);
  }

  int16(): number {
    return this.bytes(2).readInt16BE();
  }

  int32(): number {
    return this.bytes(4).readInt32BE();
  }

  text(): string {
    const end = this.#body.indexOf(0, this.#at);
    if (end === -1) throw new ProtocolViolation("a text without an end");
    const text = this.#body.toString("latin1", this.#at, end);
    this.#at = end + 1;
    return text;
  }

  /** The values of a row: how many. */
  values(): number {
    const count = this.int16();
    for (let value = 0; value < count; value++) {
      const length = this.int32();
      if (length !== -1) this.bytes(length);
    }
    return count;
  }

  /** The columns of rows: how many. */
  descriptions(): number {
    const count = this.int16();
    for (let column = 0; column < count; column++) {
      this.text();
      this.bytes(18);
    }
    return count;
  }

  authentication(): void {
    const method = this.int32();
    if (method === md5Password) this.bytes(4);
    else if (method === sasl) while (this.text() !== "");
    else if (method >= saslContinue) this.bytes(this.#body.length - this.#at);
  }

  /** Whatever else there is, by its letter. */
  of(letter: string): void {
    if (letter === "S") {
      this.text();
      this.text();
    } else if (letter === "A") {
      this.int32();
      this.text();
      this.text();
    } else if (letter === "t") {
      this.bytes(4 * this.int16());
    } else if (letter === "G" || letter === "H" || letter === "W") {
      this.bytes(1);
      this.bytes(2 * this.int16());
    }
  }

  /** @throws ProtocolViolation when something is left. */
  end(): void {
    if (this.#at !== this.#body.length) throw new ProtocolViolation("a message that says more than it should");
  }
}

/** A report's fields, each a letter and a text that ends with a null byte, and a null byte behind the last: cut where it is too long. */
function wellFormed(report: Buffer): Buffer {
  const cut = report.length >= reportBytes;
  let at = 5;
  while (at < report.length && report[at] !== 0) {
    const end = report.indexOf(0, at + 1);
    if (end === -1 && cut) {
      return relengthened(Buffer.concat([report.subarray(0, wholeCharacters(report)), Buffer.from([0, 0])]));
    }
    if (end === -1) break;
    at = end + 1;
  }
  if (at < report.length && report[at] === 0) {
    if (at === 5) throw new ProtocolViolation("a report that says nothing");
    return at === report.length - 1 ? report : relengthened(Buffer.from(report.subarray(0, at + 1)));
  }
  if (cut) return relengthened(Buffer.concat([report.subarray(0, at), Buffer.from([0])]));
  throw new ProtocolViolation("a report without an end");
}

function relengthened(message: Buffer): Buffer {
  message.writeUInt32BE(message.length - 1, 1);
  return message;
}

/** Where the last whole UTF-8 character ends. */
function wholeCharacters(text: Buffer): number {
  let end = text.length;
  for (let back = 1; back <= 4 && back <= text.length; back++) {
    const byte = text[text.length - back] as number;
    if (byte < 0x80) break;
    if (byte >= 0xc0) {
      const bytes = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      if (bytes > back) end = text.length - back;
      break;
    }
  }
  return end;
}
