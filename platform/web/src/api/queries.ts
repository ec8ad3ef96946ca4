/** What the page reads. Keys start with the noun, so that a change of a noun refreshes all that shows it. */
import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";

import { ask, client } from "@/api/client";
import type { Verdict } from "@/api/types";
import { type TimeRange, rangeKey, resolve } from "@/scope/timeRange";

/** How often a window that ends "now" is asked for again; the event stream carries what cannot wait. */
export const MOVING_MS = 10_000;

const window = (range: TimeRange): { from: string; to: string } => {
  const { from, to } = resolve(range, new Date());
  return { from: from.toISOString(), to: to.toISOString() };
};
const refetch = (range: TimeRange): number | false => (range.kind === "relative" ? MOVING_MS : false);

export const sessionQuery = queryOptions({
  queryKey: ["session"],
  queryFn: () => ask(client.GET("/api/v1/session")),
  staleTime: 300_000,
  retry: false,
});

export const generatorsQuery = queryOptions({
  queryKey: ["generators"],
  queryFn: async () => (await ask(client.GET("/api/v1/generators"))).items,
  refetchInterval: 30_000, // a floor under the event stream
});

export const versionsQuery = (generator: string) =>
  queryOptions({
    queryKey: ["versions", generator],
    queryFn: async () => (await ask(client.GET("/api/v1/versions", { params: { query: { generator } } }))).items,
    refetchInterval: 30_000,
  });

export const versionQuery = (generator: string, number: number) =>
  queryOptions({
    queryKey: ["versions", generator, number],
    queryFn: () => ask(client.GET("/api/v1/versions/{generator}/{number}", { params: { path: { generator, number } } })),
  });

export const MOST_RELEASES = 100;

export const releasesQuery = (generator: string) =>
  queryOptions({
    queryKey: ["releases", generator],
    queryFn: async () => (await ask(client.GET("/api/v1/releases", { params: { query: { generator, limit: MOST_RELEASES } } }))).items,
  });

export interface GenerationFilter {
  version?: number | undefined;
  outcome?: string | undefined;
  flag?: string | undefined;
  arm?: string | undefined;
  q?: string | undefined;
  replica?: string | undefined;
  adapter?: string | undefined;
  tenant?: string | undefined;
  region?: string | undefined;
  range?: TimeRange | null;
}

export const generationsQuery = (generator: string, filter: GenerationFilter, limit = 60) => {
  const { range, ...rest } = filter;
  return infiniteQueryOptions({
    queryKey: ["generations", generator, rest, range ? rangeKey(range) : "all", limit],
    queryFn: ({ pageParam }) => {
      // The empty string is how a form says "any".
      const chosen = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== "" && value !== undefined));
      const query = { generator, ...chosen, ...(range ? window(range) : {}), before: pageParam, limit };
      return ask(client.GET("/api/v1/generations", { params: { query: query as { generator: string } } }));
    },
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next ?? undefined,
  });
};

/** The newest images, for the overview: asked for every few seconds while it is looked at. */
export const latestQuery = (generator: string, limit: number) =>
  queryOptions({
    queryKey: ["latest", generator, limit],
    queryFn: async () => {
      const query = { generator, outcome: "served" as const, limit };
      return (await ask(client.GET("/api/v1/generations", { params: { query } }))).items;
    },
    refetchInterval: 4000,
  });

export const generationQuery = (id: string) =>
  queryOptions({
    queryKey: ["generation", id],
    queryFn: () => ask(client.GET("/api/v1/generations/{generation_id}", { params: { path: { generation_id: id } } })),
  });

export const monitorsQuery = (generator: string) =>
  queryOptions({
    queryKey: ["monitors", generator],
    queryFn: async () => (await ask(client.GET("/api/v1/monitors", { params: { query: { generator } } }))).items,
    refetchInterval: MOVING_MS,
  });

/** How each part of the traffic stands with the monitors that look at it alone. */
export const slicesQuery = (generator: string) =>
  queryOptions({
    queryKey: ["slices", generator],
    queryFn: async () => (await ask(client.GET("/api/v1/slices", { params: { query: { generator } } }))).items,
    refetchInterval: MOVING_MS,
  });

export const probeRunsQuery = (generator: string) =>
  queryOptions({
    queryKey: ["probes", generator],
    queryFn: async () => (await ask(client.GET("/api/v1/probes/runs", { params: { query: { generator, limit: 100 } } }))).items,
    refetchInterval: MOVING_MS,
  });

export const probeRunQuery = (id: string) =>
  queryOptions({
    queryKey: ["probe", id],
    queryFn: () => ask(client.GET("/api/v1/probes/runs/{run_id}", { params: { path: { run_id: id } } })),
    refetchInterval: ({ state }) => (state.data && ["ordered", "making", "made"].includes(state.data.state) ? 2000 : false),
  });

export const probeSetsQuery = (generator: string) =>
  queryOptions({
    queryKey: ["probe-sets", generator],
    queryFn: async () => (await ask(client.GET("/api/v1/probes/sets", { params: { query: { generator } } }))).items,
  });

export const compareQuery = (generator: string, versions: number[], range: TimeRange | null) =>
  queryOptions({
    queryKey: ["compare", generator, versions, range ? rangeKey(range) : "month"],
    queryFn: () => {
      const query = { generator, versions: versions.join(","), ...(range ? window(range) : {}) };
      return ask(client.GET("/api/v1/compare", { params: { query } }));
    },
    staleTime: 300_000, // it takes seconds, and what it says does not change from one to the next
  });

export const baselinesQuery = (generator: string) =>
  queryOptions({
    queryKey: ["baselines", generator],
    queryFn: async () => (await ask(client.GET("/api/v1/baselines", { params: { query: { generator } } }))).items,
  });

export const baselineQuery = (id: string) =>
  queryOptions({
    queryKey: ["baseline", id],
    queryFn: () => ask(client.GET("/api/v1/baselines/{baseline_id}", { params: { path: { baseline_id: id } } })),
  });

/** Asked for often only while one is being made. */
export const baselineJobsQuery = (generator: string) =>
  queryOptions({
    queryKey: ["baseline-jobs", generator],
    queryFn: async () => (await ask(client.GET("/api/v1/baseline-jobs", { params: { query: { generator, limit: 20 } } }))).items,
    refetchInterval: ({ state }) => (state.data?.some(({ finished_at }) => finished_at === null) ? 1000 : 30_000),
  });

/** Days, the newest first. */
export const reportsQuery = (generator: string) =>
  queryOptions({
    queryKey: ["reports", generator],
    queryFn: async () => (await ask(client.GET("/api/v1/reports/daily", { params: { query: { generator, limit: 30 } } }))).items,
  });

export const reportQuery = (id: string) =>
  queryOptions({
    queryKey: ["report", id],
    queryFn: () => ask(client.GET("/api/v1/reports/daily/{report_id}", { params: { path: { report_id: id } } })),
  });

/** Of all generators, the newest first; asked for often only while one is not at its end. */
export const jobsQuery = () =>
  queryOptions({
    queryKey: ["jobs"],
    queryFn: async () => (await ask(client.GET("/api/v1/generations/jobs", { params: { query: { limit: 50 } } }))).items,
    refetchInterval: ({ state }) => (state.data?.some(({ state: now }) => now === "queued" || now === "running") ? 1000 : 15_000),
  });

/** Of one generation, the newest first. */
export const replaysQuery = (id: string) =>
  queryOptions({
    queryKey: ["replays", id],
    queryFn: async () => (await ask(client.GET("/api/v1/generations/{generation_id}/replays", { params: { path: { generation_id: id } } }))).items,
    refetchInterval: ({ state }) => (state.data?.some(({ finished_at }) => finished_at === null) ? 1000 : false),
  });

/** Asked for often only while one runs. */
export const backfillsQuery = (generator: string) =>
  queryOptions({
    queryKey: ["backfills", generator],
    queryFn: async () => (await ask(client.GET("/api/v1/backfills", { params: { query: { generator, limit: 50 } } }))).items,
    refetchInterval: ({ state }) => (state.data?.some(({ state: now }) => now === "running") ? 1000 : 30_000),
  });

export const attributesQuery = (generator: string) =>
  queryOptions({
    queryKey: ["attributes", generator],
    queryFn: async () => (await ask(client.GET("/api/v1/attributes/{generator}", { params: { path: { generator } } }))).items,
    refetchInterval: 60_000,
  });

/** Hour by hour, the newest first: a week of them. */
export const readingsQuery = (generator: string, name: string) =>
  queryOptions({
    queryKey: ["readings", generator, name],
    queryFn: async () => {
      const params = { path: { generator, name }, query: { limit: 168 } };
      return (await ask(client.GET("/api/v1/attributes/{generator}/{name}/readings", { params }))).items;
    },
    refetchInterval: 60_000,
  });

const VERDICT_PAGES = 10;

/** The newest answers of a range, the newest first. */
export const verdictsQuery = (generator: string, name: string, range: TimeRange) =>
  queryOptions({
    queryKey: ["verdicts", generator, name, rangeKey(range)],
    queryFn: async () => {
      const { from, to } = window(range);
      const found: Verdict[] = [];
      let before: number | undefined;
      for (let page = 0; page < VERDICT_PAGES; page++) {
        const params = { path: { generator, name }, query: { from, to, before, limit: 200 } };
        const { items, next } = await ask(client.GET("/api/v1/monitors/{generator}/{name}/verdicts", { params }));
        found.push(...items);
        if (!next) break;
        before = Number(next);
      }
      return found;
    },
    refetchInterval: refetch(range),
  });

/** The window asked for comes back with the answer: a chart's axis shows it even where there is no data. */
export const seriesQuery = (generator: string, range: TimeRange) =>
  queryOptions({
    queryKey: ["series", generator, rangeKey(range)],
    queryFn: async () => {
      const asked = window(range);
      const series = await ask(client.GET("/api/v1/series", { params: { query: { generator, ...asked } } }));
      return { ...series, from: Date.parse(asked.from), to: Date.parse(asked.to) };
    },
    refetchInterval: refetch(range),
    placeholderData: (previous) => previous,
  });

/** Of each state asked for. */
export const MOST_INCIDENTS = 100;

/** "open" is what needs somebody: triggered or acknowledged. */
export type IncidentFilter = "open" | "resolved" | "all";

export const incidentsQuery = (generator: string, filter: IncidentFilter) =>
  queryOptions({
    queryKey: ["incidents", generator, filter],
    queryFn: async () => {
      const states = { open: ["triggered", "acknowledged"], resolved: ["resolved"], all: [undefined] } as const;
      const pages = await Promise.all(
        states[filter].map((state) => {
          const query = { generator, limit: MOST_INCIDENTS, ...(state ? { state } : {}) };
          return ask(client.GET("/api/v1/incidents", { params: { query } }));
        }),
      );
      return pages.flatMap(({ items }) => items).sort((a, b) => (a.opened_at < b.opened_at ? 1 : -1));
    },
    refetchInterval: MOVING_MS,
  });

export const incidentQuery = (id: string) =>
  queryOptions({
    queryKey: ["incident", id],
    queryFn: () => ask(client.GET("/api/v1/incidents/{incident_id}", { params: { path: { incident_id: id } } })),
    refetchInterval: MOVING_MS,
  });

/** Releases, environments and settings in the hour before it began. */
export const changesBeforeQuery = (id: string) =>
  queryOptions({
    queryKey: ["changes", id],
    queryFn: async () => (await ask(client.GET("/api/v1/incidents/{incident_id}/changes", { params: { path: { incident_id: id } } }))).items,
    staleTime: 60_000,
  });

export const policyQuery = (generator: string) =>
  queryOptions({
    queryKey: ["policy", generator],
    queryFn: () => ask(client.GET("/api/v1/policies/{generator}", { params: { path: { generator } } })),
  });

/** Asked for on every page: that the guard is stopped has to be seen. */
export const guardQuery = queryOptions({
  queryKey: ["guard"],
  queryFn: () => ask(client.GET("/api/v1/guard")),
  refetchInterval: MOVING_MS,
});

/** Asked for often only while one runs. */
export const drillsQuery = (generator: string) =>
  queryOptions({
    queryKey: ["drills", generator],
    queryFn: async () => (await ask(client.GET("/api/v1/drills", { params: { query: { generator, limit: 50 } } }))).items,
    refetchInterval: ({ state }) => (state.data?.some(({ finished_at }) => finished_at === null) ? 2000 : 60_000),
  });

/** What the gates would say of a promote now. */
export const gateCheckQuery = (generator: string, version: number) =>
  queryOptions({
    queryKey: ["gates", generator, version],
    queryFn: () => ask(client.POST("/api/v1/gates/check", { body: { generator, version } })),
  });

export const channelsQuery = queryOptions({
  queryKey: ["channels"],
  queryFn: async () => (await ask(client.GET("/api/v1/notifications/channels"))).items,
});

/** The newest, or of those that could not be delivered the newest. */
export const notificationsQuery = (state?: "failed") =>
  queryOptions({
    queryKey: ["notifications", state ?? "all"],
    queryFn: async () =>
      (await ask(client.GET("/api/v1/notifications", { params: { query: { limit: 50, ...(state && { state }) } } }))).items,
    refetchInterval: MOVING_MS,
  });

export const keysQuery = queryOptions({
  queryKey: ["keys"],
  queryFn: async () => (await ask(client.GET("/api/v1/keys"))).items,
});

export const auditQuery = infiniteQueryOptions({
  queryKey: ["audit"],
  queryFn: ({ pageParam }) => ask(client.GET("/api/v1/audit", { params: { query: { before: pageParam, limit: 100 } } })),
  initialPageParam: undefined as string | undefined,
  getNextPageParam: (last) => last.next ?? undefined,
});
