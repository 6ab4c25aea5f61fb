/** What every page has: breadcrumb, title, one bar of commands. */
import {
  Breadcrumb,
  BreadcrumbButton,
  BreadcrumbDivider,
  BreadcrumbItem,
  makeStyles,
  Title2,
  tokens,
} from "@fluentui/react-components";
import { Fragment, type ReactNode, useEffect } from "react";
import { isPlainClick } from "../elements/link.js";
import { go } from "../navigation/location.js";
import { text } from "../text.js";

const useStyles = makeStyles({
  head: { display: "flex", flexDirection: "column", gap: "4px", marginBottom: "16px" },
  crumbs: { marginLeft: "-8px", "@media print": { display: "none" } },
  line: {
    display: "flex",
    alignItems: "center",
    flexWrap: "wrap",
    columnGap: "20px",
    rowGap: "8px",
    minHeight: "36px",
  },
  title: { margin: 0, overflowWrap: "anywhere" },
  commands: {
    display: "flex",
    flexWrap: "wrap",
    alignItems: "center",
    gap: "8px",
    marginLeft: "auto",
    "@media (max-width: 700px)": { marginLeft: 0, width: "100%" },
    "@media print": { display: "none" },
  },
  lead: { color: tokens.colorNeutralForeground2 },
});

export interface Crumb {
  readonly label: string;
  readonly href: string;
}

export function PageHead({
  crumbs,
  title,
  beside,
  lead,
  commands,
}: {
  crumbs: readonly Crumb[];
  title: string;
  beside?: ReactNode;
  lead?: ReactNode;
  commands?: ReactNode;
}) {
  const styles = useStyles();
  useEffect(() => {
    document.title = `${title} · ${text.product}`;
  }, [title]);
  return (
    <div className={styles.head}>
      {crumbs.length > 0 && (
        <Breadcrumb size="small" className={styles.crumbs} aria-label={text.shell.breadcrumb}>
          {crumbs.map(({ label, href }) => (
            <Fragment key={href}>
              <BreadcrumbItem>
                <BreadcrumbButton
                  href={href}
                  onClick={(event: React.MouseEvent<HTMLElement>) => {
                    if (!isPlainClick(event)) return;
                    event.preventDefault();
                    go(href);
                  }}
                >
                  {label}
                </BreadcrumbButton>
              </BreadcrumbItem>
              <BreadcrumbDivider />
            </Fragment>
          ))}
        </Breadcrumb>
      )}
      <div className={styles.line}>
        <Title2 as="h1" className={styles.title}>
          {title}
        </Title2>
        {beside}
        {commands !== undefined && <div className={styles.commands}>{commands}</div>}
      </div>
      {lead !== undefined && <div className={styles.lead}>{lead}</div>}
    </div>
  );
}
