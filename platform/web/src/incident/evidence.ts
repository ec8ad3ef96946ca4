/** Reads an incident's evidence: a document the watching room wrote, of which the page shows what it knows. */

type Json = Record<string, unknown>;

const record = (value: unknown): Json => (typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : {});
const list = (value: unknown): Json[] => (Array.isArray(value) ? value.map(record) : []);
const text = (value: unknown): string | null => (typeof value === "string" ? value : null);
const number = (value: unknown): number | null => (typeof value === "number" && Number.isFinite(value) ? value : null);

export interface WorstImage {
  id: string;
  alignment: number | null;
  blank: boolean;
}

export const worstImages = (evidence: Json): WorstImage[] =>
  list(evidence["worst_images"]).flatMap((image) => {
    const id = text(image["id"]);
    return id ? [{ id, alignment: number(image["alignment"]), blank: image["blank"] === true }] : [];
  });

export interface SignalLine {
  name: string;
  current: number | null;
  baseline: number | null;
  /** How far the mean has moved, in standard deviations of the baseline's single images. */
  moved: number | null;
  /** Evidently's answer for the column, where it could give one. */
  outcome: string | null;
  pValue: number | null;
  reason: string | null;
}

/** The scalar signals, current against baseline, each with its line of Evidently's report. */
export function signalLines(evidence: Json): SignalLine[] {
  const columns = record(record(evidence["report"])["columns"]);
  return Object.entries(record(evidence["signals"])).map(([name, value]) => {
    const signal = record(value);
    const column = record(columns[name]);
    const [current, baseline, deviation] = [signal["current"], signal["baseline"], signal["baseline_deviation"]].map(number);
    return {
      name,
      current: current ?? null,
      baseline: baseline ?? null,
      moved: current != null && baseline != null && deviation ? (current - baseline) / deviation : null,
      outcome: text(column["outcome"]),
      pValue: number(column["p_value"]),
      reason: text(column["reason"]),
    };
  });
}
