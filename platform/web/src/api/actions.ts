/** What the page changes. Nothing is shown as done before the API has said so. */
import { useMutation, type UseMutationResult, useQueryClient } from "@tanstack/react-query";

import { ask, client } from "@/api/client";
import { Problem } from "@/api/problem";
import type { components } from "@/api/schema";
import type { AdHocVerdict, Attribute, Backfill, BaselineJob, DryRun, FeedbackKind, GenerationJob, IncidentDetail, LedgerLine, ProbeRun, Release, Replay } from "@/api/types";

type Schemas = components["schemas"];
export type NewBaseline = Schemas["LoggedBaseline"] | Schemas["ReplayBaseline"];

/** Without an answer nobody knows whether it was done. */
function inDoubt(error: unknown): never {
  if (error instanceof Problem && error.status === 0)
    throw new Problem(0, error.code, `${error.message} It may have been done or not: look before you press again.`);
  throw error;
}

/** A mutation that refreshes the nouns it touches once it has succeeded. */
function useAction<Input, Output>(
  run: (input: Input) => Promise<Output>,
  nouns: string[],
): UseMutationResult<Output, Error, Input> {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (input: Input) => run(input).catch(inDoubt),
    onSuccess: () => Promise.all(nouns.map((noun) => cache.invalidateQueries({ queryKey: [noun] }))),
  });
}

/** A key of one's own for one press of a button: pressed twice, or retried by a proxy, it is still one release. */
const once = (): { "Idempotency-Key": string } => {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return { "Idempotency-Key": Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("") };
};

const RELEASE_NOUNS = ["generators", "versions", "releases", "ledger", "incident"];

export const useRollback = (): UseMutationResult<Release, Error, Schemas["Rollback"]> =>
  useAction((body) => ask(client.POST("/api/v1/releases/rollback", { body, headers: once() })), RELEASE_NOUNS);

export const usePromote = (): UseMutationResult<Release, Error, Schemas["Promote"]> =>
  useAction((body) => ask(client.POST("/api/v1/releases/promote", { body, headers: once() })), RELEASE_NOUNS);

export const useApprove = (generator: string, version: number): UseMutationResult<unknown, Error, string> =>
  useAction(
    (note) => ask(client.POST("/api/v1/gates/{generator}/{version}/approvals", { params: { path: { generator, version } }, body: { note }, headers: once() })),
    ["gates"],
  );

export const useAccept = (): UseMutationResult<LedgerLine, Error, Schemas["Accept"]> =>
  useAction((body) => ask(client.POST("/api/v1/releases/accept", { body, headers: once() })), [...RELEASE_NOUNS, "release"]);

const toRelease = (id: string, reason: string) => ({ params: { path: { release_id: id } }, body: { reason }, headers: once() });
type ToRelease = ReturnType<typeof toRelease>;

const CANARY = {
  promote: (said: ToRelease) => ask(client.POST("/api/v1/releases/{release_id}/promote", said)),
  "promote-fully": (said: ToRelease) => ask(client.POST("/api/v1/releases/{release_id}/promote-fully", said)),
  pause: (said: ToRelease) => ask(client.POST("/api/v1/releases/{release_id}/pause", said)),
  resume: (said: ToRelease) => ask(client.POST("/api/v1/releases/{release_id}/resume", said)),
  abort: (said: ToRelease) => ask(client.POST("/api/v1/releases/{release_id}/abort", said)),
  retry: (said: ToRelease) => ask(client.POST("/api/v1/releases/{release_id}/retry", said)),
};
export type CanaryVerb = keyof typeof CANARY;

export const useCanaryVerb = (id: string): UseMutationResult<Release, Error, { verb: CanaryVerb; reason: string }> =>
  useAction(({ verb, reason }) => CANARY[verb](toRelease(id, reason)), [...RELEASE_NOUNS, "release"]);

export const useAcknowledge = (id: string): UseMutationResult<IncidentDetail, Error, void> =>
  useAction(
    () => ask(client.POST("/api/v1/incidents/{incident_id}/acknowledge", { params: { path: { incident_id: id } } })),
    ["incident", "incidents", "generators"],
  );

export const useResolve = (id: string): UseMutationResult<IncidentDetail, Error, string> =>
  useAction(
    (note) => ask(client.POST("/api/v1/incidents/{incident_id}/resolve", { params: { path: { incident_id: id } }, body: { note } })),
    ["incident", "incidents", "generators"],
  );

export const useReopen = (id: string): UseMutationResult<IncidentDetail, Error, string> =>
  useAction(
    (note) => ask(client.POST("/api/v1/incidents/{incident_id}/reopen", { params: { path: { incident_id: id } }, body: { note } })),
    ["incident", "incidents", "generators"],
  );

/** Whose it is, and how urgent; what is left out stays as it is. */
export const useChangeIncident = (id: string): UseMutationResult<IncidentDetail, Error, Partial<Schemas["IncidentChange"]>> =>
  useAction(
    (body) => ask(client.PATCH("/api/v1/incidents/{incident_id}", { params: { path: { incident_id: id } }, body: body as Schemas["IncidentChange"] })),
    ["incident", "incidents"],
  );

export const useJudge = (id: string): UseMutationResult<IncidentDetail, Error, Schemas["GiveJudgement"]> =>
  useAction(
    (body) => ask(client.PUT("/api/v1/incidents/{incident_id}/judgement", { params: { path: { incident_id: id } }, body })),
    ["incident", "incidents", "monitors"],
  );

export const usePutRunbook = (generator: string, monitor: string): UseMutationResult<unknown, Error, string> =>
  useAction(
    (text) => ask(client.PUT("/api/v1/runbooks/{generator}/{monitor}", { params: { path: { generator, monitor } }, body: { text } })),
    ["incident", "runbook"],
  );

export const useResetRunbook = (generator: string, monitor: string): UseMutationResult<unknown, Error, void> =>
  useAction(
    () => ask(client.DELETE("/api/v1/runbooks/{generator}/{monitor}", { params: { path: { generator, monitor } } })),
    ["incident", "runbook"],
  );

export const useComment = (id: string): UseMutationResult<IncidentDetail, Error, string> =>
  useAction(
    (text) => ask(client.POST("/api/v1/incidents/{incident_id}/comments", { params: { path: { incident_id: id } }, body: { text } })),
    ["incident"],
  );

export const useSwitchMonitor = (generator: string, name: string): UseMutationResult<unknown, Error, boolean> =>
  useAction(
    (enabled) => ask(client.PATCH("/api/v1/monitors/{generator}/{name}", { params: { path: { generator, name } }, body: { enabled } })),
    ["monitors"],
  );

export const useRunMonitor = (generator: string, name: string): UseMutationResult<AdHocVerdict, Error, void> =>
  useAction(() => ask(client.POST("/api/v1/monitors/{generator}/{name}/run", { params: { path: { generator, name } } })), []);

export const useDryRun = (generator: string): UseMutationResult<DryRun, Error, Schemas["DryRunOrder"]> =>
  useAction((body) => ask(client.POST("/api/v1/monitors/{generator}/dry-run", { params: { path: { generator } }, body })), []);

export const usePutMonitor = (generator: string, name: string): UseMutationResult<unknown, Error, Schemas["MonitorDocument"]> =>
  useAction((body) => ask(client.PUT("/api/v1/monitors/{generator}/{name}", { params: { path: { generator, name } }, body })), ["monitors"]);

export const useProbe = (): UseMutationResult<ProbeRun, Error, Schemas["NewProbeRun"]> =>
  useAction((body) => ask(client.POST("/api/v1/probes/runs", { body, headers: once() })), ["probes"]);

export const useMakeBaseline = (): UseMutationResult<BaselineJob, Error, NewBaseline> =>
  useAction((body) => ask(client.POST("/api/v1/baselines", { body, headers: once() })), ["baseline-jobs"]);

export const useCancelBaseline = (): UseMutationResult<BaselineJob, Error, string> =>
  useAction(
    (id) => ask(client.POST("/api/v1/baseline-jobs/{job_id}/cancel", { params: { path: { job_id: id } } })),
    ["baseline-jobs"],
  );

export const useCancelJob = (): UseMutationResult<GenerationJob, Error, string> =>
  useAction((id) => ask(client.POST("/api/v1/generations/jobs/{job_id}/cancel", { params: { path: { job_id: id } } })), ["jobs"]);

/** Answered at once: the list of replays then shows how it goes. */
export const useMakeAgain = (id: string): UseMutationResult<Replay, Error, number | undefined> =>
  useAction(
    (version) =>
      ask(client.POST("/api/v1/generations/{generation_id}/replay", { params: { path: { generation_id: id } }, body: { version: version ?? null, wait_seconds: 0 }, headers: once() })),
    ["replays"],
  );

export const useBackfill = (): UseMutationResult<Backfill, Error, Schemas["NewBackfill"]> =>
  useAction((body) => ask(client.POST("/api/v1/backfills", { body, headers: once() })), ["backfills"]);

export const useCancelBackfill = (): UseMutationResult<Backfill, Error, string> =>
  useAction((id) => ask(client.POST("/api/v1/backfills/{backfill_id}/cancel", { params: { path: { backfill_id: id } } })), ["backfills"]);

export const usePutAttribute = (generator: string): UseMutationResult<Attribute, Error, { name: string } & Schemas["AttributeDocument"]> =>
  useAction(
    ({ name, ...body }) => ask(client.PUT("/api/v1/attributes/{generator}/{name}", { params: { path: { generator, name } }, body })),
    ["attributes", "readings"],
  );

export const useDropAttribute = (generator: string): UseMutationResult<unknown, Error, string> =>
  useAction(
    (name) => ask(client.DELETE("/api/v1/attributes/{generator}/{name}", { params: { path: { generator, name } } })),
    ["attributes"],
  );

export const useGiveFeedback = (id: string): UseMutationResult<Schemas["Feedback"], Error, FeedbackKind> =>
  useAction(
    (kind) => ask(client.POST("/api/v1/generations/{generation_id}/feedback", { params: { path: { generation_id: id } }, body: { kind, rater: "" } })),
    ["generation"],
  );

export const useTellTarget = (): UseMutationResult<Schemas["Target"], Error, string> =>
  useAction((id) => ask(client.POST("/api/v1/targets/{target_id}/tell", { params: { path: { target_id: id } }, headers: once() })), ["scopes"]);

export const useSetRegistryPolicy = (generator: string): UseMutationResult<Schemas["RegistryPolicy"], Error, Schemas["RegistryPolicy"]["policy"]> =>
  useAction(
    (policy) => ask(client.PUT("/api/v1/registry/{generator}/policy", { params: { path: { generator } }, body: { policy } })),
    ["registry"],
  );

export const useSetPolicy = (generator: string): UseMutationResult<Schemas["PolicyDocument"], Error, Schemas["PolicyDocument"]> =>
  useAction(
    (body) => ask(client.PUT("/api/v1/policies/{generator}", { params: { path: { generator } }, body })),
    ["policy", "generators"],
  );

export const useTryPolicy = (generator: string): UseMutationResult<Schemas["PolicyDryRun"], Error, Schemas["PolicyDryRunOrder"]> =>
  useAction((body) => ask(client.POST("/api/v1/policies/{generator}/dry-run", { params: { path: { generator } }, body })), []);

export const useSwitchGuard = (): UseMutationResult<Schemas["GuardStatus"], Error, { stop: boolean; reason: string }> =>
  useAction(
    ({ stop, reason }) => ask(stop ? client.POST("/api/v1/guard/stop", { body: { reason } }) : client.POST("/api/v1/guard/resume", { body: { reason } })),
    ["guard"],
  );

export const useDrill = (): UseMutationResult<Schemas["Drill"], Error, Schemas["NewDrill"]> =>
  useAction((body) => ask(client.POST("/api/v1/drills", { body, headers: once() })), ["drills", "generators"]);

export const useAddChannel = (): UseMutationResult<Schemas["CreatedChannel"], Error, Schemas["NewChannel"]> =>
  useAction((body) => ask(client.POST("/api/v1/notifications/channels", { body })), ["channels"]);

/** Refused too, it shows the channels anew: somebody else has edited one. */
export const useEditChannel = (): UseMutationResult<unknown, Error, Schemas["ChannelEdit"] & { id: string }> => {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: ({ id, ...body }) => ask(client.PATCH("/api/v1/notifications/channels/{channel_id}", { params: { path: { channel_id: id } }, body })),
    onSettled: () => cache.invalidateQueries({ queryKey: ["channels"] }),
  });
};

export const useSwitchChannel = (): UseMutationResult<unknown, Error, { id: string; on: boolean }> =>
  useAction(({ id, on }) => {
    const params = { path: { channel_id: id } };
    return on
      ? ask(client.POST("/api/v1/notifications/channels/{channel_id}/enable", { params }))
      : ask(client.POST("/api/v1/notifications/channels/{channel_id}/disable", { params }));
  }, ["channels"]);

export const useTestChannel = (): UseMutationResult<unknown, Error, string> =>
  useAction((id) => ask(client.POST("/api/v1/notifications/channels/{channel_id}/test", { params: { path: { channel_id: id } } })), ["notifications"]);

export const useRotateChannel = (): UseMutationResult<Schemas["CreatedChannel"], Error, string> =>
  useAction(
    (id) => ask(client.POST("/api/v1/notifications/channels/{channel_id}/rotate", { params: { path: { channel_id: id } } })),
    ["channels"],
  );

export const useReplayChannel = (): UseMutationResult<Schemas["Replayed"], Error, string> =>
  useAction(
    (id) => ask(client.POST("/api/v1/notifications/channels/{channel_id}/replay", { params: { path: { channel_id: id } } })),
    ["notifications"],
  );

export const useReplay = (): UseMutationResult<unknown, Error, string> =>
  useAction((id) => ask(client.POST("/api/v1/notifications/{notification_id}/replay", { params: { path: { notification_id: id } } })), ["notifications"]);

export const useAddKey = (): UseMutationResult<Schemas["CreatedKey"], Error, Schemas["NewKey"]> =>
  useAction((body) => ask(client.POST("/api/v1/keys", { body })), ["keys"]);

export const useRevokeKey = (): UseMutationResult<unknown, Error, string> =>
  useAction((id) => ask(client.DELETE("/api/v1/keys/{key_id}", { params: { path: { key_id: id } } })), ["keys"]);
