import { useComputedColorScheme } from "@mantine/core";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { useNavigate } from "react-router";

import { buildOption } from "@/chart/option";
import { type ChartSpec, describe, isEmpty } from "@/chart/spec";
import css from "@/chart/TimeChart.module.css";
import { timeZone } from "@/scope/timeRange";

type Engine = typeof import("@/chart/engine");
type Chart = ReturnType<Engine["init"]>;

/** Charts of one page share the crosshair: the same instant is marked in all of them. */
const GROUP = "page";

interface Props {
  title: string;
  spec: ChartSpec;
  height?: number;
}

export function TimeChart({ title, spec, height = 190 }: Props): ReactNode {
  const frame = useRef<HTMLDivElement>(null);
  const [chart, setChart] = useState<Chart | null>(null);
  const scheme = useComputedColorScheme();
  const navigate = useNavigate();

  useEffect(() => {
    let dropped = false;
    let made: Chart | undefined;
    const resized = new ResizeObserver(() => made?.resize());
    void import("@/chart/engine").then(({ init, connect }) => {
      if (dropped || !frame.current) return;
      made = init(frame.current);
      made.group = GROUP;
      connect(GROUP);
      resized.observe(frame.current);
      setChart(made);
    });
    return () => {
      dropped = true;
      resized.disconnect();
      made?.dispose();
    };
  }, []);

  useEffect(() => {
    if (!chart || !frame.current) return;
    const { fontFamily } = getComputedStyle(frame.current);
    chart.setOption(resolveTokens(frame.current, (paint) => buildOption(spec, paint, fontFamily)), { notMerge: true });
  }, [chart, spec, scheme]);

  useEffect(() => {
    const follow = (event: { componentType?: string; data?: unknown }): void => {
      const target = (event.data as { href?: string } | undefined)?.href;
      if (event.componentType === "markLine" && target) void navigate(target);
    };
    chart?.on("click", follow);
    return () => void chart?.off("click", follow);
  }, [chart, navigate]);

  return (
    <figure className={css.figure}>
      {isEmpty(spec) && <p className={css.empty}>No data in this range.</p>}
      <div role="img" hidden={isEmpty(spec)} aria-label={describe(title, spec)} ref={frame} style={{ height }} />
      <Legend spec={spec} />
    </figure>
  );
}

function Legend({ spec }: { spec: ChartSpec }): ReactNode {
  if (isEmpty(spec)) return null;
  return (
    <figcaption className={css.legend}>
      {spec.lines.filter(({ points }) => points.some(([, value]) => value !== null)).map(({ name, color, dashed }) => (
        <span key={name} className={css.key}>
          <span className={css.swatch} data-dashed={dashed || undefined} style={{ color: `var(${color})` }} aria-hidden />
          {name}
        </span>
      ))}
      {spec.shades.length > 0 && (
        <span className={css.key}><span className={css.shade} aria-hidden />incident</span>
      )}
      <span className="push">{timeZone}</span>
    </figcaption>
  );
}

/** Resolves tokens where they are used: only an element knows which half of a light-dark() pair it shows. */
function resolveTokens<T>(element: HTMLElement, use: (paint: (token: string) => string) => T): T {
  const probe = element.appendChild(document.createElement("span"));
  probe.style.transition = "none"; // in a transition the computed colour is still the one before
  try {
    return use((token) => {
      probe.style.color = `var(${token})`;
      return getComputedStyle(probe).color;
    });
  } finally {
    probe.remove();
  }
}
