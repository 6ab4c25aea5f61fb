/** What is happening now: bytes, rate and time left while copying; latency while following; what it took once it is over. */
import { makeStyles, tokens } from "@fluentui/react-components";
import { useMemo } from "react";
import type { DatabaseProgress, Migration, Sample } from "../../api/resources.js";
import { AreaChart } from "../../elements/area-chart.js";
import { useNow } from "../../elements/now.js";
import { bytes, bytesOf, duration, minutes, percent, rate } from "../../format/quantities.js";
import { secondsBetween } from "../../format/times.js";
import { hasEnded, substateOf } from "../../migration/progress.js";
import { lastApplied, latencyOver, rateOf, throughput } from "../../migration/rates.js";
import { text } from "../../text.js";

const useStyles = makeStyles({
  panel: {
    backgroundColor: tokens.colorNeutralBackground1,
    border: `1px solid ${tokens.colorNeutralStroke2}`,
    borderRadius: tokens.borderRadiusLarge,
    padding: "14px 16px",
    margin: "16px 0",
    display: "flex",
    flexDirection: "column",
    gap: "10px",
  },
  line: {
    display: "flex",
    flexWrap: "wrap",
    alignItems: "baseline",
    columnGap: "16px",
    rowGap: "2px",
    fontVariantNumeric: "tabular-nums",
  },
  big: {
    fontSize: tokens.fontSizeBase500,
    lineHeight: tokens.lineHeightBase500,
    fontWeight: tokens.fontWeightSemibold,
  },
  track: { height: "8px", borderRadius: "4px", backgroundColor: tokens.colorNeutralStroke1, overflow: "hidden" },
  filled: {
    height: "100%",
    backgroundColor: tokens.colorCompoundBrandBackground,
    transitionProperty: "width",
    transitionDuration: "600ms",
  },
  muted: { color: tokens.colorNeutralForeground2 },
  charts: { display: "grid", gridTemplateColumns: "repeat(auto-fit, minmax(min(100%, 360px), 1fr))", gap: "24px" },
});

export function CopyPanel({
  migration,
  databases,
  samples,
}: {
  migration: Migration;
  databases: readonly DatabaseProgress[];
  samples: readonly Sample[];
}) {
  const styles = useStyles();
  const words = text.migration;
  const sum = (column: "bytesTotal" | "bytesCopied") => databases.reduce((all, database) => all + database[column], 0);
  const [total, copied] = [sum("bytesTotal"), sum("bytesCopied")];
  const speed = useMemo(() => throughput(samples), [samples]);
  const latency = useMemo(() => latencyOver(samples), [samples]);
  const copying = substateOf(migration) === "MigratingData" && !hasEnded(migration) && copied < total;
  const perSecond = useMemo(() => {
    const names = [...new Set(samples.map(({ database }) => database))];
    const rates = names.map((name) => rateOf(samples.filter(({ database }) => database === name)));
    return rates.reduce<number | undefined>((all, one) => (one === undefined ? all : (all ?? 0) + one), undefined);
  }, [samples]);
  const online = migration.properties.migrationMode === "Online";
  if (total === 0 && latency.length === 0) return null;
  const done = percent(copied, total);
  return (
    <section className={styles.panel}>
      <div className={styles.line}>
        <span className={styles.big}>{words.copied(copied >= total ? bytes(total) : bytesOf(copied, total))}</span>
        {copying && perSecond !== undefined && <span>{rate(perSecond)}</span>}
        {copying && perSecond !== undefined && perSecond > 0 && (
          <span className={styles.muted}>{words.left(duration(roughly((total - copied) / perSecond)))}</span>
        )}
        {online && databases.some(({ sampledOn }) => sampledOn !== undefined) && !hasEnded(migration) && (
          <Following databases={databases} samples={samples} />
        )}
      </div>
      {copying && (
        <div
          className={styles.track}
          role="progressbar"
          aria-label={text.grid.progress(done)}
          aria-valuemin={0}
          aria-valuemax={100}
          aria-valuenow={done}
        >
          <div className={styles.filled} style={{ width: `${done}%` }} />
        </div>
      )}
      <div className={styles.charts}>
        {speed.length > 1 && <AreaChart points={speed} title={words.throughput} format={rate} />}
        {latency.length > 1 && (
          <AreaChart points={latency} title={words.latencyTitle} format={(value) => minutes(value * 60)} />
        )}
      </div>
    </section>
  );
}

function Following({ databases, samples }: { databases: readonly DatabaseProgress[]; samples: readonly Sample[] }) {
  const styles = useStyles();
  useNow();
  const following = databases.filter(({ sampledOn }) => sampledOn !== undefined);
  const worst = Math.max(...following.map(({ latencySeconds }) => latencySeconds ?? 0));
  const pending = following.reduce(
    (sum, one) => sum + Math.max(0, (one.incomingChanges ?? 0) - (one.appliedChanges ?? 0)),
    0,
  );
  const applied = following
    .flatMap(({ database }) => lastApplied(samples.filter((sample) => sample.database === database)) ?? [])
    .sort()
    .at(-1);
  return (
    <>
      <span>{`${text.migration.latency} ${minutes(worst)}`}</span>
      <span className={styles.muted}>{text.migration.pending(bytes(pending))}</span>
      {applied !== undefined && (
        <span className={styles.muted}>
          {`${text.migration.lastApplied} ${text.migration.ago(duration(Math.floor(secondsBetween(applied, undefined))))}`}
        </span>
      )}
    </>
  );
}

/** Estimates are no more exact than that. */
function roughly(seconds: number): number {
  if (seconds < 60) return Math.ceil(seconds / 5) * 5;
  if (seconds < 3_600) return Math.ceil(seconds / 60) * 60;
  return Math.ceil(seconds / 300) * 300;
}
