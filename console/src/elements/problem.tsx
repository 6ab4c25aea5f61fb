/** A refusal in a message bar: code, words, remedy, and a way to try again. */
import {
  Button,
  MessageBar,
  MessageBarActions,
  MessageBarBody,
  MessageBarTitle,
  makeStyles,
  tokens,
} from "@fluentui/react-components";
import { ApiError } from "../api/client.js";
import { text } from "../text.js";

const useStyles = makeStyles({
  bar: { marginBottom: "12px" },
  list: { margin: "4px 0 0", paddingLeft: "18px" },
  code: { fontFamily: tokens.fontFamilyMonospace, fontSize: tokens.fontSizeBase200 },
  body: { whiteSpace: "normal", overflowWrap: "anywhere", paddingTop: "6px", paddingBottom: "6px" },
});

export function Problem({ error, retry }: { error: unknown; retry?: () => void }) {
  const styles = useStyles();
  const { code, message, details } =
    error instanceof ApiError ? error : { code: "Unexpected", message: String(error), details: [] };
  // The dialog that asks for the key says it.
  if (code === "KeyRequired") return null;
  const others = details.filter((detail) => detail.message !== message);
  return (
    <MessageBar intent="error" layout="multiline" className={styles.bar} role="alert">
      <MessageBarBody className={styles.body}>
        <MessageBarTitle>
          <span className={styles.code}>{code}</span>
        </MessageBarTitle>
        {message}
        {others.length > 0 && (
          <ul className={styles.list}>
            {others.map((detail) => (
              <li key={`${detail.target} ${detail.message}`}>{detail.message}</li>
            ))}
          </ul>
        )}
      </MessageBarBody>
      {retry !== undefined && (
        <MessageBarActions>
          <Button onClick={retry}>{text.retry}</Button>
        </MessageBarActions>
      )}
    </MessageBar>
  );
}
