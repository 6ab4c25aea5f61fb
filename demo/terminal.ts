import { stripVTControlCharacters } from "node:util";

/** How text looks here: colours only on a terminal whose user has not refused them. */
export interface Terminal {
  readonly live: boolean;
  /** Width in characters; 80 where nobody knows. */
  readonly columns: number;
  bold(text: string): string;
  dim(text: string): string;
  good(text: string): string;
  bad(text: string): string;
  /** Prints a line below everything printed so far, the live block included. */
  print(line?: string): void;
  /** Replaces the block of lines that was drawn last; on a terminal only. */
  redraw(lines: readonly string[]): void;
  /** Leaves the block as it stands: what is printed next goes below it. */
  settle(): void;
}

const hideCursor = "\x1b[?25l";
const showCursor = "\x1b[?25h";

export function openTerminal(out: NodeJS.WriteStream = process.stdout): Terminal {
  const live = out.isTTY === true && process.env.TERM !== "dumb";
  const coloured = live && !process.env.NO_COLOR;
  const paint = (code: string) => (text: string) => (coloured ? `\x1b[${code}m${text}\x1b[0m` : text);
  let drawn = 0;
  if (live) process.on("exit", () => out.write(showCursor));
  return {
    live,
    get columns() {
      return out.columns ?? 80;
    },
    bold: paint("1"),
    dim: paint("2"),
    good: paint("32"),
    bad: paint("31"),
    print(line = "") {
      out.write(`${line}\n`);
    },
    redraw(lines) {
      if (!live) return;
      const up = drawn > 0 ? `\x1b[${drawn}A` : hideCursor;
      out.write(up + lines.map((line) => `\x1b[2K${cut(line, out.columns)}\n`).join(""));
      drawn = lines.length;
    },
    settle() {
      drawn = 0;
      if (live) out.write(showCursor);
    },
  };
}

/** A line that wraps would break the redrawing: a longer one loses its colours and what is beyond the terminal's width. */
function cut(line: string, columns: number): string {
  const characters = [...stripVTControlCharacters(line)];
  return characters.length < columns ? line : characters.slice(0, columns - 1).join("");
}
