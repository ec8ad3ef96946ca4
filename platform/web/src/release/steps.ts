import type { Release, ReleaseState } from "@/api/types";

/** What each state of a release means, for whoever watches it move. */
const WORDS: Record<ReleaseState, (to: string) => string> = {
  requested: () => "Asked for",
  preparing: (to) => `Loading and warming ${to}`,
  verifying: (to) => `Checking ${to} on its golden prompts`,
  canary: (to) => `A part of the requests goes to ${to}`,
  paused: () => "The canary waits for a person",
  flipping: (to) => `New requests go to ${to}`,
  serving: (to) => `${to} serves all requests`,
  accepted: (to) => `${to} accepted as known good`,
  failed: () => "Failed; production was not changed by it",
  aborted: () => "Called off; what served goes on",
  superseded: () => "A later release took over",
};

export const stepWords = (state: ReleaseState, to: number): string => WORDS[state](`v${to}`);

const PATHS: Record<"promote" | "rollback", ReleaseState[]> = {
  promote: ["requested", "preparing", "verifying", "flipping", "serving"],
  // The version that a rollback leaves is known to be bad: a warm target takes over before it is checked again.
  rollback: ["requested", "flipping", "serving"],
};

const CANARY: ReleaseState[] = ["requested", "preparing", "verifying", "canary", "flipping", "serving"];

/** The steps that are still ahead of a release that moves; none where it has come to rest. */
export function ahead(release: Release): ReleaseState[] {
  if (!release.moving) return [];
  const path = release.canary ? CANARY : PATHS[release.kind === "rollback" ? "rollback" : "promote"];
  const done = new Set(release.steps.map(({ step }) => step));
  const last = path.findLastIndex((state) => done.has(state));
  return path.slice(last + 1);
}

/** Seconds from the ledger's commit until every gateway had followed. */
export function flipSeconds(release: Release): number | null {
  const at = (state: ReleaseState): number | undefined => {
    const step = release.steps.find((one) => one.step === state);
    return step && Date.parse(step.at);
  };
  const [start, end] = [at("flipping"), at("serving")];
  return start === undefined || end === undefined ? null : (end - start) / 1000;
}
