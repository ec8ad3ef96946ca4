import type { components } from "@/api/schema";
import { figure, milliseconds, percent } from "@/ui/words";

export type Figure = components["schemas"]["Figure"];

interface Metric {
  name: string;
  /** Which way is worse; null where neither is. */
  worse: "low" | "high" | null;
  format: (value: number) => string;
}

/** The API's metrics in the order in which they are read; one that is not named here is shown as it comes. */
export const METRICS: Record<string, Metric> = {
  alignment: { name: "Prompt alignment", worse: "low", format: (v) => v.toFixed(3) },
  diversity: { name: "Diversity", worse: "low", format: figure },
  broken_rate: { name: "Blank or broken", worse: "high", format: percent },
  near_duplicate_rate: { name: "Near duplicates", worse: "high", format: percent },
  failed_rate: { name: "Failed", worse: "high", format: percent },
  filtered_rate: { name: "Withheld by the filter", worse: "high", format: percent },
  thumbs_up_rate: { name: "Thumbs up, of votes", worse: "low", format: percent },
  regenerated_rate: { name: "Asked for again", worse: "high", format: percent },
  downloaded_rate: { name: "Downloaded", worse: "low", format: percent },
  latency_p50_ms: { name: "Latency, median", worse: "high", format: milliseconds },
  latency_p95_ms: { name: "Latency, 95th percentile", worse: "high", format: milliseconds },
  cost_per_image: { name: "Cost of an image", worse: "high", format: figure },
  cost_per_accepted_image: { name: "Cost of an accepted image", worse: "high", format: figure },
};

/** Better, worse, or nothing that can be told apart: intervals that overlap are no difference. */
export function standing(metric: string, reference: Figure | undefined, other: Figure | undefined): "better" | "worse" | "same" | null {
  const { worse } = METRICS[metric] ?? { worse: null };
  if (!reference || !other || worse === null) return null;
  const [a, b] = [bounds(reference), bounds(other)];
  if (!a || !b) return null;
  const lower = b.high < a.low;
  const higher = b.low > a.high;
  if (!lower && !higher) return "same";
  return lower === (worse === "low") ? "worse" : "better";
}

const bounds = ({ value, low, high }: Figure): { low: number; high: number } | null =>
  value === null || low == null || high == null ? null : { low, high };
