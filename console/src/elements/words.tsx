/** Text of the service, with the SQL that it tells to run set apart and ready to copy. */
import { Button, makeStyles, tokens } from "@fluentui/react-components";
import { Checkmark16Regular, Copy16Regular } from "@fluentui/react-icons";
import { useEffect, useState } from "react";
import { text } from "../text.js";

const useStyles = makeStyles({
  words: { whiteSpace: "pre-wrap", overflowWrap: "anywhere" },
  block: {
    display: "flex",
    alignItems: "flex-start",
    gap: "8px",
    margin: "6px 0",
    padding: "6px 6px 6px 10px",
    borderRadius: tokens.borderRadiusMedium,
    backgroundColor: tokens.colorNeutralBackground3,
    border: `1px solid ${tokens.colorNeutralStroke2}`,
    color: tokens.colorNeutralForeground1,
  },
  code: {
    flexGrow: 1,
    minWidth: 0,
    margin: 0,
    padding: "4px 0",
    fontFamily: tokens.fontFamilyMonospace,
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase300,
    whiteSpace: "pre-wrap",
    overflowWrap: "anywhere",
  },
});

/** `Run on the source: GRANT …;`: the service's way to tell what to run. A quoted identifier may hold semicolons. */
const sql = /(\bRun [^:\n]{0,160}: )((?:[A-Z][A-Z ]+(?:"(?:[^"]|"")*"|'(?:[^']|'')*'|[^;"'\n])*;[ ]?)+)/g;

export function Words({ children }: { children: string }) {
  const styles = useStyles();
  const pieces: { words: string; statement?: string }[] = [];
  let from = 0;
  for (const match of children.matchAll(sql)) {
    const [whole, lead = "", statement = ""] = match;
    pieces.push({ words: children.slice(from, match.index) + lead.trimEnd(), statement: statement.trim() });
    from = match.index + whole.length;
  }
  pieces.push({ words: children.slice(from) });
  return (
    <div>
      {pieces.map(({ words, statement }, index) => (
        <div key={`${String(index)} ${words}`}>
          {words !== "" && <span className={styles.words}>{words}</span>}
          {statement !== undefined && <CodeBlock code={statement} />}
        </div>
      ))}
    </div>
  );
}

export function CodeBlock({ code }: { code: string }) {
  const styles = useStyles();
  return (
    <div className={styles.block}>
      <pre className={styles.code}>
        <code>{code}</code>
      </pre>
      <CopyButton value={code} />
    </div>
  );
}

export function CopyButton({ value, label = text.copy }: { value: string; label?: string }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 2_000);
    return () => clearTimeout(timer);
  }, [copied]);
  return (
    <Button
      size="small"
      icon={copied ? <Checkmark16Regular /> : <Copy16Regular />}
      onClick={() => void navigator.clipboard.writeText(value).then(() => setCopied(true))}
    >
      <span aria-live="polite">{copied ? text.copied : label}</span>
    </Button>
  );
}
