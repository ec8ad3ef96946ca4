import { useQuery, useQueryClient, type UseQueryResult } from "@tanstack/react-query";
import { useEffect } from "react";

import { releaseQuery } from "@/api/releasing";
import type { Release } from "@/api/types";

/** A release, kept current by its own event stream for as long as the platform has something to do for it. */
export function useFollowedRelease(id: string): UseQueryResult<Release> {
  const cache = useQueryClient();
  const query = useQuery(releaseQuery(id));
  const moving = query.data?.moving === true;
  useEffect(() => {
    if (!moving) return;
    const source = new EventSource(`/api/v1/releases/${id}/events`);
    source.addEventListener("release", ({ data }: MessageEvent<string>) => {
      const release = JSON.parse(data) as Release;
      cache.setQueryData(releaseQuery(id).queryKey, release);
      if (!release.moving) {
        // The server ends the stream here; left open, the browser would take that for a lost connection.
        source.close();
        for (const noun of ["generators", "versions", "releases", "ledger"]) void cache.invalidateQueries({ queryKey: [noun] });
      }
    });
    return () => source.close();
  }, [cache, id, moving]);
  return query;
}
