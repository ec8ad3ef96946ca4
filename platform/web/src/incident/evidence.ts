/** Reads an incident's evidence: a document the monitors wrote, of which the page shows what it knows. */

type Json = Record<string, unknown>;

const record = (value: unknown): Json => (typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : {});
const list = (value: unknown): Json[] => (Array.isArray(value) ? value.map(record) : []);
const text = (value: unknown): string | null => (typeof value === "string" ? value : null);
const number = (value: unknown): number | null => (typeof value === "number" && Number.isFinite(value) ? value : null);

export interface WorstImage {
  id: string;
  prompt: string | null;
  alignment: number | null;
}

export const worstImages = (evidence: Json): WorstImage[] =>
  list(evidence["worst_images"]).flatMap((image) => {
    const id = text(image["id"]);
    const alignment = number(image["alignment"]) ?? number(record(image["score"])["alignment"]);
    return id ? [{ id, prompt: text(image["prompt"]), alignment }] : [];
  });

export interface ReportLine {
  name: string;
  value: string;
}

/** Evidently's report, one line a metric. */
export const reportLines = (evidence: Json): ReportLine[] =>
  list(record(evidence["scalar_report"])["metrics"]).flatMap((metric) => {
    const name = text(metric["metric_name"]) ?? text(metric["metric_id"]);
    const value = metric["value"];
    if (!name || value === undefined) return [];
    const shown = number(value);
    return [{ name, value: shown === null ? JSON.stringify(value) : shown.toPrecision(3) }];
  });

/** All but what has a place of its own on the page. */
export const remaining = (evidence: Json): Json =>
  Object.fromEntries(Object.entries(evidence).filter(([name]) => name !== "worst_images" && name !== "scalar_report"));
