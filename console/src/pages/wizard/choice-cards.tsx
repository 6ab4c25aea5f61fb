/** A choice of two or three, each a card with a line that explains it: radio buttons to the keyboard and the ear. */
import { makeStyles, mergeClasses, Radio, RadioGroup, tokens } from "@fluentui/react-components";

const useStyles = makeStyles({
  group: { display: "grid", gridTemplateColumns: "repeat(auto-fit, minmax(min(100%, 220px), 1fr))", gap: "12px" },
  card: {
    border: `1px solid ${tokens.colorNeutralStroke1}`,
    borderRadius: tokens.borderRadiusLarge,
    backgroundColor: tokens.colorNeutralBackground1,
    padding: "4px 10px 10px 2px",
    alignItems: "flex-start",
    ":hover": { borderTopColor: tokens.colorNeutralStroke1Hover },
  },
  chosen: {
    borderTopColor: tokens.colorCompoundBrandStroke,
    borderRightColor: tokens.colorCompoundBrandStroke,
    borderBottomColor: tokens.colorCompoundBrandStroke,
    borderLeftColor: tokens.colorCompoundBrandStroke,
    boxShadow: `0 0 0 1px ${tokens.colorCompoundBrandStroke}`,
  },
  title: { fontWeight: tokens.fontWeightSemibold },
  line: { display: "block", color: tokens.colorNeutralForeground2, marginTop: "2px" },
});

export function ChoiceCards<Value extends string>({
  label,
  value,
  choices,
  choose,
}: {
  label: string;
  value: Value;
  choices: readonly { readonly value: Value; readonly title: string; readonly line: string }[];
  choose: (value: Value) => void;
}) {
  const styles = useStyles();
  return (
    <RadioGroup
      className={styles.group}
      aria-label={label}
      value={value}
      onChange={(_, data) => choose(data.value as Value)}
    >
      {choices.map((choice) => (
        <Radio
          key={choice.value}
          value={choice.value}
          className={mergeClasses(styles.card, choice.value === value && styles.chosen)}
          label={
            <>
              <span className={styles.title}>{choice.title}</span>
              <span className={styles.line}>{choice.line}</span>
            </>
          }
        />
      ))}
    </RadioGroup>
  );
}
