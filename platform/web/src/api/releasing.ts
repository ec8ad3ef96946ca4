/** What the page reads of what serves: a release, the ledger and what became different, scopes, the version registry. */
import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";

import { ask, client } from "@/api/client";
import { MOVING_MS } from "@/api/queries";
import type { Release } from "@/api/types";

/** Under the event stream: a browser gives up on one that is refused, and it ends before a rollback's probes have spoken. */
export const releaseQuery = (id: string) =>
  queryOptions({
    queryKey: ["release", id],
    queryFn: () => ask(client.GET("/api/v1/releases/{release_id}", { params: { path: { release_id: id } } })),
    refetchInterval: ({ state }) => (state.data && isAwaited(state.data) ? 5000 : false),
  });

const VERIFIED_WITHIN_MS = 120_000;

/** Whether there is more to come: its steps, or what probes say of the version that a rollback went to. */
function isAwaited({ moving, verification, kind, finished_at }: Release): boolean {
  const over = finished_at === null ? Infinity : Date.now() - Date.parse(finished_at);
  return moving || (verification ? verification.state === "probing" : kind === "rollback" && over < VERIFIED_WITHIN_MS);
}

export const ledgerQuery = (generator: string) =>
  infiniteQueryOptions({
    queryKey: ["ledger", generator],
    queryFn: ({ pageParam }) => ask(client.GET("/api/v1/ledger", { params: { query: { generator, before: pageParam } } })),
    initialPageParam: undefined as number | undefined,
    getNextPageParam: (last) => last.next ?? undefined,
  });

/** It reads the whole chain: asked for by a person. */
export const verificationQuery = (generator: string) =>
  queryOptions({
    queryKey: ["verification", generator],
    queryFn: () => ask(client.GET("/api/v1/ledger/verification", { params: { query: { generator } } })),
    enabled: false,
    gcTime: 0,
  });

/** Against another release, or the one it took over from. */
export const differenceQuery = (id: string, before?: string) =>
  queryOptions({
    queryKey: ["difference", id, before ?? ""],
    queryFn: () => ask(client.GET("/api/v1/releases/{release_id}/difference", { params: { path: { release_id: id }, query: before ? { before } : {} } })),
    retry: false,
  });

export const scopesQuery = (generator: string) =>
  queryOptions({
    queryKey: ["scopes", generator],
    queryFn: async () => (await ask(client.GET("/api/v1/scopes/{generator}", { params: { path: { generator } } }))).items,
    refetchInterval: MOVING_MS,
  });

export const registryQuery = (generator: string) =>
  queryOptions({
    queryKey: ["registry", generator],
    queryFn: () => ask(client.GET("/api/v1/registry/{generator}", { params: { path: { generator } } })),
    refetchInterval: MOVING_MS,
  });

export const registryFindingsQuery = (generator: string) =>
  queryOptions({
    queryKey: ["registry", generator, "findings"],
    queryFn: async () => (await ask(client.GET("/api/v1/registry/{generator}/findings", { params: { path: { generator } } }))).items,
    refetchInterval: MOVING_MS,
  });

export const liveQuery = (generator: string, at: string) =>
  queryOptions({
    queryKey: ["live", generator, at],
    queryFn: () => ask(client.GET("/api/v1/live", { params: { query: { generator, at } } })),
  });
