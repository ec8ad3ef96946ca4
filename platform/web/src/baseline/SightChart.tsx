import { useElementSize } from "@mantine/hooks";
import type { ReactNode } from "react";

import css from "@/baseline/SightChart.module.css";
import { figure } from "@/ui/words";

interface Props {
  points: { n: number; effect: number }[];
  floor: number;
}

const HEIGHT = 210;
const EDGE = { left: 44, right: 14, top: 14, bottom: 40 };
const brief = new Intl.NumberFormat("en", { notation: "compact" });

/** The smallest effect found by windows of so many images. Both ends of the axis are far apart: it is logarithmic. */
export function SightChart({ points, floor }: Props): ReactNode {
  const { ref, width } = useElementSize<HTMLDivElement>();
  const [first, last] = [points[0], points.at(-1)];
  if (!first || !last) return null;
  const top = 1.1 * Math.max(...points.map(({ effect }) => effect));
  const x = (n: number): number =>
    EDGE.left + ((Math.log(n) - Math.log(first.n)) / Math.log(last.n / first.n)) * (width - EDGE.left - EDGE.right);
  const y = (effect: number): number => HEIGHT - EDGE.bottom - (effect / top) * (HEIGHT - EDGE.top - EDGE.bottom);
  const curve = points.map(({ n, effect }) => `${x(n)},${y(effect)}`).join(" ");
  const ground = `${x(last.n)},${y(0)} ${x(first.n)},${y(0)}`;
  const words = points.map(({ n, effect }) => `${n} images: ${figure(effect)}`).join("; ");
  return (
    <div ref={ref} className={css.frame} style={{ height: HEIGHT }}>
      {width > 0 && (
        <svg width={width} height={HEIGHT} role="img" aria-label={`Smallest effect that is found, in standard deviations. ${words}. Never under ${figure(floor)}.`}>
          {ticks(top).map((value) => (
            <g key={value}>
              <line className={css.grid} x1={EDGE.left} x2={width - EDGE.right} y1={y(value)} y2={y(value)} />
              <text className={css.tick} x={EDGE.left - 8} y={y(value)} dy="0.32em" textAnchor="end">{figure(value)}</text>
            </g>
          ))}
          <polygon className={css.unseen} points={`${curve} ${ground}`} />
          <line className={css.floor} x1={EDGE.left} x2={width - EDGE.right} y1={y(floor)} y2={y(floor)} />
          <text className={css.unseenWord} x={EDGE.left + 10} y={(y(0) + y(floor)) / 2} dy="0.32em">never seen</text>
          <polyline className={css.curve} points={curve} />
          {points.map(({ n, effect }, i) => (
            <g key={n}>
              <circle className={css.dot} cx={x(n)} cy={y(effect)} r={3.5}><title>{`${n} images: ${figure(effect)}`}</title></circle>
              <text className={css.value} x={x(n)} y={y(effect) - 10} textAnchor={i === 0 ? "start" : i === points.length - 1 ? "end" : "middle"}>{figure(effect)}</text>
              <text className={css.tick} x={x(n)} y={HEIGHT - EDGE.bottom + 16} textAnchor={i === 0 ? "start" : i === points.length - 1 ? "end" : "middle"}>{brief.format(n)}</text>
            </g>
          ))}
          <text className={css.tick} x={(EDGE.left + width - EDGE.right) / 2} y={HEIGHT - 6} textAnchor="middle">images in the window</text>
        </svg>
      )}
    </div>
  );
}

/** Three or four round values up to the top. */
function ticks(top: number): number[] {
  const rough = top / 3;
  const size = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((factor) => factor * size >= rough) ?? 10) * size;
  return Array.from({ length: Math.floor(top / step) + 1 }, (_, i) => i * step);
}
