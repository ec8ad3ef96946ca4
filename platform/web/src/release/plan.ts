import type { components } from "@/api/schema";

type CanaryStep = components["schemas"]["CanaryStep"];
type CanaryPlan = components["schemas"]["CanaryPlan"];

const STEP = /^(\d+)(?:\+(\d+))?:(\d+)(:pause)?$/;

/** Steps as people write them: `5:300 25+10:600:pause`. Null where one cannot be read; none for an empty text. */
export function stepsOf(text: string): CanaryStep[] | null {
  const steps = text.split(/\s+/).filter(Boolean).map((told) => {
    const match = STEP.exec(told);
    return match && { weight: Number(match[1]), shadow: Number(match[2] ?? 0), bake_seconds: Number(match[3]), pause: match[4] !== undefined };
  });
  return steps.every((step) => step !== null) ? steps : null;
}

/** A plan of which only the steps are said: the rest is the server's to fill in, which the schema cannot tell of a request. */
export const canaryOf = (steps: CanaryStep[]): CanaryPlan => ({ steps }) as CanaryPlan;
