import {
  Accordion,
  AccordionHeader,
  AccordionItem,
  AccordionPanel,
  makeStyles,
  tokens,
} from "@fluentui/react-components";
import type { Migration, MigrationId } from "../../api/resources.js";
import { Facts } from "../../elements/facts.js";
import { useNow } from "../../elements/now.js";
import { Time } from "../../elements/time.js";
import { duration } from "../../format/quantities.js";
import { secondsBetween } from "../../format/times.js";
import { endOf, hasEnded, sourceAddressOf, startOf, targetAddressOf } from "../../migration/progress.js";
import { text } from "../../text.js";

const useStyles = makeStyles({
  card: {
    backgroundColor: tokens.colorNeutralBackground1,
    border: `1px solid ${tokens.colorNeutralStroke2}`,
    borderRadius: tokens.borderRadiusLarge,
  },
  panel: { paddingBottom: "12px" },
});

export function Essentials({ migration, id }: { migration: Migration; id: MigrationId }) {
  const styles = useStyles();
  return (
    <Accordion collapsible defaultOpenItems="essentials" className={styles.card}>
      <AccordionItem value="essentials">
        <AccordionHeader as="h2" size="small">
          {text.migration.essentials}
        </AccordionHeader>
        <AccordionPanel className={styles.panel}>
          <EssentialFacts migration={migration} id={id} />
        </AccordionPanel>
      </AccordionItem>
    </Accordion>
  );
}

export function EssentialFacts({ migration, id }: { migration: Migration; id: MigrationId }) {
  const { properties } = migration;
  const { essential } = text.migration;
  const source = properties.sourceDbServerMetadata?.version;
  const target = properties.targetDbServerMetadata?.version;
  const validates = properties.migrationOption === "Validate";
  const kind =
    properties.sourceType === undefined ? "" : ` (${text.sourceTypes[properties.sourceType] ?? properties.sourceType})`;
  const { migrationWindowStartTimeInUtc: opens, migrationWindowEndTimeInUtc: closes } = properties;
  return (
    <Facts
      facts={[
        [essential.source, `${sourceAddressOf(migration)}${kind}`],
        [essential.target, targetAddressOf(migration, id.server)],
        [essential.versions, source && target ? text.migration.version(source, target) : undefined],
        [essential.option, text.options[properties.migrationOption]],
        [essential.mode, validates ? undefined : text.modes[properties.migrationMode]],
        [essential.databases, properties.dbsToMigrate.join(", ")],
        [essential.started, <Time key="started" iso={startOf(migration)} seconds />],
        [essential.ended, hasEnded(migration) ? <Time key="ended" iso={endOf(migration)} seconds /> : undefined],
        [essential.duration, <Elapsed key="duration" migration={migration} />],
        [essential.by, migration.systemData?.createdBy],
        [essential.tls, properties.sslMode],
        [
          essential.overwrite,
          validates
            ? undefined
            : properties.overwriteDbsInTarget === "True"
              ? essential.overwriteYes
              : essential.overwriteNo,
        ],
        [essential.roles, properties.migrateRoles === "True" ? essential.rolesYes : undefined],
        [essential.verification, typeof properties.verification === "string" ? properties.verification : undefined],
        [
          essential.window,
          opens === undefined && closes === undefined ? undefined : (
            <span key="window">
              <Time iso={opens} /> – <Time iso={closes} />
            </span>
          ),
        ],
      ]}
    />
  );
}

function Elapsed({ migration }: { migration: Migration }) {
  useNow();
  const start = startOf(migration);
  if (start === undefined) return text.none;
  const seconds = secondsBetween(start, endOf(migration));
  return duration(hasEnded(migration) ? seconds : Math.floor(seconds));
}
