/** A curve over time: an area, two or three lines of scale, what it was where the pointer is. */
import { makeStyles, tokens } from "@fluentui/react-components";
import { useEffect, useRef, useState } from "react";
import type { Point } from "../migration/rates.js";

const useStyles = makeStyles({
  figure: { margin: 0, minWidth: 0 },
  caption: {
    display: "flex",
    justifyContent: "space-between",
    gap: "12px",
    fontSize: tokens.fontSizeBase200,
    color: tokens.colorNeutralForeground2,
    marginBottom: "4px",
    minHeight: "16px",
  },
  reading: { fontVariantNumeric: "tabular-nums" },
  svg: { display: "block", width: "100%", height: "120px" },
  line: { fill: "none", stroke: tokens.colorBrandForeground1, strokeWidth: "1.5px" },
  area: { fill: tokens.colorBrandForeground1, opacity: 0.16 },
  grid: { stroke: tokens.colorNeutralStroke2, strokeWidth: "1px" },
  label: { fill: tokens.colorNeutralForeground3, fontSize: "11px" },
  cursor: { stroke: tokens.colorNeutralForeground3, strokeWidth: "1px", strokeDasharray: "2 2" },
});

const height = 120;
const [left, top, bottom] = [4, 8, 18];
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const clockWithSeconds = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });

export function AreaChart({
  points,
  title,
  format,
}: {
  points: readonly Point[];
  title: string;
  format: (value: number) => string;
}) {
  const styles = useStyles();
  const holder = useRef<HTMLElement>(null);
  const [width, setWidth] = useState(600);
  const [pointed, setPointed] = useState<number | undefined>();
  useEffect(() => {
    const element = holder.current;
    if (element === null) return;
    const observer = new ResizeObserver(() => setWidth(Math.max(120, element.clientWidth)));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const [first, last] = [points[0], points.at(-1)];
  const highest = niceCeiling(Math.max(...points.map(({ value }) => value), 0));
  const span = first && last ? Math.max(1, last.at - first.at) : 1;
  const x = (at: number) => left + ((at - (first?.at ?? 0)) / span) * (width - 2 * left);
  const y = (value: number) => top + (1 - value / highest) * (height - top - bottom);
  const path = points
    .map(({ at, value }, index) => `${index === 0 ? "M" : "L"}${x(at).toFixed(1)} ${y(value).toFixed(1)}`)
    .join(" ");
  const floor = y(0).toFixed(1);
  const near =
    pointed === undefined
      ? undefined
      : nearest(points, (first?.at ?? 0) + ((pointed - left) / (width - 2 * left)) * span);
  const times = span < 10 * 60_000 ? clockWithSeconds : clock;
  const shown = near ?? last;
  return (
    <figure className={styles.figure} ref={holder}>
      <figcaption className={styles.caption}>
        <span>{title}</span>
        <span className={styles.reading}>
          {shown !== undefined && `${near === undefined ? "" : `${times.format(near.at)} · `}${format(shown.value)}`}
        </span>
      </figcaption>
      <svg
        className={styles.svg}
        viewBox={`0 0 ${width} ${height}`}
        role="img"
        aria-label={last === undefined ? title : `${title}: ${format(last.value)}`}
        onPointerMove={(event) => setPointed(event.clientX - event.currentTarget.getBoundingClientRect().left)}
        onPointerLeave={() => setPointed(undefined)}
      >
        {[0, 0.5, 1].map((share) => (
          <g key={share}>
            <line className={styles.grid} x1={left} x2={width - left} y1={y(highest * share)} y2={y(highest * share)} />
            {share > 0 && points.length > 0 && (
              <text className={styles.label} x={left + 2} y={y(highest * share) + 11}>
                {format(highest * share)}
              </text>
            )}
          </g>
        ))}
        {points.length > 1 && first !== undefined && last !== undefined && (
          <>
            <path
              className={styles.area}
              d={`${path} L${x(last.at).toFixed(1)} ${floor} L${x(first.at).toFixed(1)} ${floor} Z`}
            />
            <path className={styles.line} d={path} />
            <text className={styles.label} x={left} y={height - 4}>
              {times.format(first.at)}
            </text>
            <text className={styles.label} x={width - left} y={height - 4} textAnchor="end">
              {times.format(last.at)}
            </text>
          </>
        )}
        {near !== undefined && <line className={styles.cursor} x1={x(near.at)} x2={x(near.at)} y1={top} y2={y(0)} />}
      </svg>
    </figure>
  );
}

/** 1, 2 or 5 times a power of ten: a scale that people read. */
function niceCeiling(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 5, 10].find((step) => step * power >= value) ?? 10) * power;
}

function nearest(points: readonly Point[], at: number): Point | undefined {
  return points.reduce<Point | undefined>(
    (best, point) => (best === undefined || Math.abs(point.at - at) < Math.abs(best.at - at) ? point : best),
    undefined,
  );
}
