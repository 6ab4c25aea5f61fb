import { makeStyles, tokens } from "@fluentui/react-components";

/** What tables on all pages have in common. */
export const useTableStyles = makeStyles({
  card: {
    backgroundColor: tokens.colorNeutralBackground1,
    border: `1px solid ${tokens.colorNeutralStroke2}`,
    borderRadius: tokens.borderRadiusLarge,
    overflow: "hidden",
  },
  scroll: { overflowX: "auto" },
  table: { minWidth: "100%", tableLayout: "auto" },
  head: { backgroundColor: tokens.colorNeutralBackground3 },
  headCell: { fontWeight: tokens.fontWeightSemibold, whiteSpace: "nowrap", color: tokens.colorNeutralForeground2 },
  cell: { verticalAlign: "middle", paddingTop: "4px", paddingBottom: "4px" },
  number: { textAlign: "right", fontVariantNumeric: "tabular-nums", whiteSpace: "nowrap" },
  headNumber: { "& > div": { justifyContent: "flex-end" } },
  row: { cursor: "pointer" },
  mono: { fontFamily: tokens.fontFamilyMonospace, fontSize: tokens.fontSizeBase200 },
  muted: { color: tokens.colorNeutralForeground3 },
});
