import {
  Field,
  Input,
  MessageBar,
  MessageBarBody,
  makeStyles,
  Radio,
  RadioGroup,
  Select,
} from "@fluentui/react-components";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { call, serverPath } from "../../api/client.js";
import type { ServerId } from "../../api/resources.js";
import { text } from "../../text.js";
import { ChoiceCards } from "./choice-cards.js";
import { type Draft, nameIsLegal, windowIsLegal } from "./draft.js";

const useStyles = makeStyles({
  window: { display: "flex", flexWrap: "wrap", gap: "16px" },
  narrow: { maxWidth: "420px" },
});

interface Availability {
  readonly nameAvailable: boolean;
  readonly message?: string;
}

/** Whether the name is free, asked once typing pauses. */
export function useAvailability(server: ServerId, name: string) {
  const [settled, setSettled] = useState(name);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(name), 350);
    return () => clearTimeout(timer);
  }, [name]);
  const { data, isFetching } = useQuery({
    queryKey: ["availability", serverPath(server), settled],
    queryFn: ({ signal }) =>
      call<Availability>(`${serverPath(server)}/checkMigrationNameAvailability`, {
        method: "POST",
        body: { name: settled, type: "Microsoft.DBforPostgreSQL/flexibleServers/migrations" },
        signal,
      }),
    enabled: nameIsLegal(settled),
  });
  const checking = nameIsLegal(name) && (settled !== name || isFetching);
  return { availability: settled === name && nameIsLegal(name) ? data : undefined, checking };
}

export function SetupStep({
  draft,
  change,
  server,
}: {
  draft: Draft;
  change: (part: Partial<Draft>) => void;
  server: ServerId;
}) {
  const styles = useStyles();
  const words = text.wizard;
  const { availability, checking } = useAvailability(server, draft.name);
  const illegal = draft.name !== "" && !nameIsLegal(draft.name);
  const taken = availability?.nameAvailable === false;
  return (
    <>
      <Field
        className={styles.narrow}
        label={words.name}
        hint={words.nameHelp}
        required
        validationState={illegal || taken ? "error" : availability?.nameAvailable ? "success" : "none"}
        validationMessage={
          illegal
            ? words.nameInvalid
            : taken
              ? availability.message
              : availability?.nameAvailable
                ? words.nameFree
                : checking
                  ? words.nameChecking
                  : " "
        }
      >
        <Input value={draft.name} onChange={(_, { value }) => change({ name: value.trim() })} autoComplete="off" />
      </Field>
      <Field className={styles.narrow} label={words.sourceType}>
        <Select value={draft.sourceType} onChange={(_, { value }) => change({ sourceType: value })}>
          {Object.entries(text.sourceTypes).map(([value, label]) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </Select>
      </Field>
      <Field label={words.option}>
        <ChoiceCards
          label={words.option}
          value={draft.option}
          choose={(option) => change({ option })}
          choices={(["ValidateAndMigrate", "Validate", "Migrate"] as const).map((value) => ({
            value,
            title: text.options[value],
            line: words.optionLines[value],
          }))}
        />
      </Field>
      <Field label={words.mode}>
        <ChoiceCards
          label={words.mode}
          value={draft.mode}
          choose={(mode) => change({ mode })}
          choices={(["Offline", "Online"] as const).map((value) => ({
            value,
            title: text.modes[value],
            line: words.modeLines[value],
          }))}
        />
      </Field>
      {draft.mode === "Online" && (
        <MessageBar intent="info" layout="multiline">
          <MessageBarBody>{words.onlineNeeds}</MessageBarBody>
        </MessageBar>
      )}
      {draft.option !== "Validate" && (
        <Field label={words.when}>
          <RadioGroup
            layout="horizontal"
            value={draft.when}
            onChange={(_, { value }) => change({ when: value as Draft["when"] })}
          >
            {(["now", "later", "window"] as const).map((value) => (
              <Radio key={value} value={value} label={words.whens[value]} />
            ))}
          </RadioGroup>
        </Field>
      )}
      {draft.option !== "Validate" && draft.when === "window" && (
        <div className={styles.window}>
          <Field
            label={words.windowStart}
            required
            validationState={draft.windowStart !== "" && !windowIsLegal(draft) ? "error" : "none"}
            validationMessage={draft.windowStart !== "" && !windowIsLegal(draft) ? words.windowInvalid : undefined}
          >
            <Input
              type="datetime-local"
              value={draft.windowStart}
              onChange={(_, { value }) => change({ windowStart: value })}
            />
          </Field>
          <Field label={words.windowEnd} hint={words.windowEndHelp}>
            <Input
              type="datetime-local"
              value={draft.windowEnd}
              onChange={(_, { value }) => change({ windowEnd: value })}
            />
          </Field>
        </div>
      )}
    </>
  );
}
