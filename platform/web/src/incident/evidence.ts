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

/** The one part of the traffic that alone is degraded: the rest of its attribute is healthy. */
export interface BlamedSlice {
  attribute: string;
  value: string | null;
  others: number;
  healthy: number;
}

export function blamedSlice(evidence: Json): BlamedSlice | null {
  const slice = record(evidence["slice"]);
  const attribute = text(slice["attribute"]);
  return attribute === null ? null : { attribute, value: text(slice["value"]), others: number(slice["others"]) ?? 0, healthy: number(slice["others_healthy"]) ?? 0 };
}

/** A place that can be taken out; a tenant or a class of parameters is where a version shows, not what is broken. */
export const isPlace = ({ attribute }: BlamedSlice): boolean => ["replica", "adapter", "region"].includes(attribute);

export interface Topic {
  words: string[];
  n: number;
  share: number | null;
  usual: number | null;
  effect: number | null;
  signals: string[];
}

const strings = (value: unknown): string[] => (Array.isArray(value) ? value.filter((one) => typeof one === "string") : []);

/** The clusters of prompts whose images departed most. */
export const departedTopics = (evidence: Json): Topic[] =>
  list(evidence["topics"]).map((topic) => ({
    words: strings(topic["words"]),
    n: number(topic["n"]) ?? 0,
    share: number(topic["share"]),
    usual: number(topic["baseline_share"]),
    effect: number(topic["effect"]),
    signals: strings(topic["signals"]),
  }));

/** Prompts unlike any at the baseline: they are in no other figure. */
export function unseenPrompts(evidence: Json): { n: number; share: number; words: string[] } | null {
  const unseen = record(evidence["unseen"]);
  const n = number(unseen["n"]);
  return n === null || n === 0 ? null : { n, share: number(unseen["share"]) ?? 0, words: strings(unseen["words"]) };
}

export interface Contributor {
  id: string;
  share: number;
}

/** The generations that the finding rests on most. */
export const contributors = (evidence: Json): Contributor[] =>
  list(evidence["contributors"]).flatMap((one) => {
    const [id, share] = [text(one["id"]), number(one["share"])];
    return id !== null && share !== null ? [{ id, share }] : [];
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
