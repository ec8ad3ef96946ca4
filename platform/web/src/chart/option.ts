import type { ChartOption, DrawnLine } from "@/chart/engine";
import { type ChartSpec, legible, type Line } from "@/chart/spec";
import { instant } from "@/ui/words";

type Paint = (token: string) => string;

const escape = (text: string): string =>
  text.replaceAll(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c] ?? c);

// The day is named where it begins, and only there.
const AXIS_CLOCK = { year: "{d} {MMM}", month: "{d} {MMM}", day: "{d} {MMM}", hour: "{HH}:{mm}", minute: "{HH}:{mm}", second: "{HH}:{mm}:{ss}" };

interface Hovered {
  seriesName?: string;
  color?: unknown;
  value?: unknown;
}

/** The ECharts option for a chart. Pure: `paint` turns a token into the colour of the scheme in use. */
export function buildOption(spec: ChartSpec, paint: Paint, fontFamily: string): ChartOption {
  const axisText = { color: paint("--ink-3"), fontFamily, fontSize: 11 };
  return {
    animation: false,
    grid: { left: 8, right: 12, top: spec.markers.length ? 24 : 12, bottom: 4, outerBoundsMode: "same" },
    xAxis: {
      type: "time",
      min: spec.from,
      max: spec.to,
      axisLine: { lineStyle: { color: paint("--line") } },
      axisTick: { show: false },
      axisLabel: { ...axisText, hideOverlap: true, formatter: AXIS_CLOCK },
      splitLine: { show: false },
      splitNumber: 4,
    },
    yAxis: {
      type: "value",
      scale: !spec.zero,
      ...(spec.least === undefined ? {} : { max: ({ max }: { max: number }) => (max < spec.least! ? spec.least! : null) as number }),
      splitNumber: 3,
      axisLabel: { ...axisText, formatter: spec.format },
      splitLine: { lineStyle: { color: paint("--line") } },
    },
    tooltip: {
      trigger: "axis",
      axisPointer: { type: "line", lineStyle: { color: paint("--line-strong"), type: "solid" } },
      backgroundColor: paint("--surface"),
      borderColor: paint("--line"),
      textStyle: { color: paint("--ink"), fontFamily, fontSize: 12 },
      padding: [6, 10],
      confine: true,
      formatter: (hovered: unknown) => tooltip(hovered as Hovered[], spec),
    },
    series: [...spec.lines.flatMap((line) => drawn(line, paint)), annotations(spec, paint, fontFamily)],
  };
}

function tooltip(hovered: Hovered[], spec: ChartSpec): string {
  const shown = hovered.filter(({ seriesName }) => seriesName && !seriesName.startsWith("\0"));
  const at = (shown[0]?.value as [number, number] | undefined)?.[0];
  if (at === undefined) return "";
  const rows = shown.flatMap(({ seriesName, value, color }) => {
    const figure = (value as [number, number | null])[1];
    if (figure === null) return [];
    const dot = `<span style="display:inline-block;width:8px;height:8px;border-radius:2px;margin-right:6px;background:${String(color)}"></span>`;
    return `<div>${dot}${escape(seriesName ?? "")} <b>${escape(spec.format(figure))}</b></div>`;
  });
  return `<div>${instant(new Date(at))}</div>${rows.join("")}`;
}

function drawn(line: Line, paint: Paint): DrawnLine[] {
  const color = paint(line.color);
  const main = {
    type: "line" as const,
    name: line.name,
    data: line.points,
    // A lone point between two gaps has no line to be seen by.
    showSymbol: line.points.filter(([, value]) => value !== null).length < 3,
    symbol: "circle",
    symbolSize: 5,
    connectNulls: false,
    itemStyle: { color },
    lineStyle: { color, width: 1.8, type: line.dashed ? ("dashed" as const) : ("solid" as const) },
    emphasis: { disabled: true },
  };
  if (!line.band) return [main];
  // ECharts draws a band as an invisible floor with the band's height stacked on it.
  const stack = `\0band ${line.name}`;
  const half = (i: number): number => line.band?.[i] ?? 0;
  const common = {
    type: "line" as const, name: stack, stack, stackStrategy: "all" as const, symbol: "none", silent: true,
    lineStyle: { opacity: 0 }, emphasis: { disabled: true }, tooltip: { show: false },
  };
  return [
    { ...common, data: line.points.map(([at, value], i) => [at, value === null ? null : value - half(i)]) },
    {
      ...common,
      data: line.points.map(([at, value], i) => [at, value === null ? null : 2 * half(i)]),
      areaStyle: { color, opacity: 0.16 },
    },
    main,
  ];
}

/** A label at the edge of the chart is written inwards. */
const anchor = (at: number, { from, to }: ChartSpec): "left" | "center" | "right" =>
  at > to - (to - from) * 0.12 ? "right" : at < from + (to - from) * 0.08 ? "left" : "center";

/** Limits, version changes and incident windows hang on a line that is not drawn; it also keeps limits in the frame. */
function annotations(spec: ChartSpec, paint: Paint, fontFamily: string): DrawnLine {
  const label = { fontFamily, fontSize: 11 };
  return {
    type: "line",
    name: "\0annotations",
    data: spec.limits.map(({ value }) => [spec.from, value]),
    symbol: "none",
    lineStyle: { opacity: 0 },
    tooltip: { show: false },
    markLine: {
      symbol: "none",
      animation: false,
      emphasis: { disabled: true },
      data: [
        ...spec.limits.map(({ value, label: text }) => ({
          yAxis: value,
          lineStyle: { color: paint("--bad"), type: "dashed" as const, width: 1 },
          label: { ...label, show: true, position: "insideStartTop" as const, formatter: text, color: paint("--bad") },
        })),
        ...legible(spec.markers, spec.from, spec.to).map(({ at, label: text, href }) => ({
          xAxis: at,
          href,
          lineStyle: { color: paint("--ink-3"), type: "solid" as const, width: 1 },
          label: { ...label, show: true, position: "end" as const, distance: 4, align: anchor(at, spec), formatter: text, color: paint("--ink-2") },
        })),
      ],
    },
    markArea: {
      silent: true,
      itemStyle: { color: paint("--bad"), opacity: 0.08 },
      data: spec.shades.map(({ from, to }) => [{ xAxis: from }, { xAxis: to }]),
    },
  };
}
