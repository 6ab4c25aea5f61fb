import {
  Button,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
  Field,
  Input,
  makeStyles,
} from "@fluentui/react-components";
import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { keepAccessKey, useAccessKeyNeed } from "../api/access-key.js";
import { text } from "../text.js";

const useStyles = makeStyles({ field: { marginTop: "12px" } });

/** Asks for the function key whenever the service has asked for it. */
export function AccessKeyDialog() {
  const styles = useStyles();
  const need = useAccessKeyNeed();
  const queries = useQueryClient();
  const [key, setKey] = useState("");
  const keep = (event: FormEvent) => {
    event.preventDefault();
    if (key.trim() === "") return;
    keepAccessKey(key.trim());
    setKey("");
    void queries.resetQueries();
  };
  return (
    <Dialog open={need !== "unneeded"} modalType="alert">
      <DialogSurface>
        <form onSubmit={keep}>
          <DialogBody>
            <DialogTitle>{text.key.title}</DialogTitle>
            <DialogContent>
              {text.key.explanation}
              <Field
                className={styles.field}
                label={text.key.label}
                validationState={need === "refused" ? "error" : "none"}
                validationMessage={need === "refused" ? text.key.refused : undefined}
              >
                <Input
                  type="password"
                  autoComplete="off"
                  value={key}
                  onChange={(_, data) => setKey(data.value)}
                  name="functions-key"
                />
              </Field>
            </DialogContent>
            <DialogActions>
              <Button appearance="primary" type="submit" disabled={key.trim() === ""}>
                {text.key.keep}
              </Button>
            </DialogActions>
          </DialogBody>
        </form>
      </DialogSurface>
    </Dialog>
  );
}
