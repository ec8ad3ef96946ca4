import { type Query, type QueryClient, useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useState } from "react";

import type { GeneratorStatus, StreamStatus } from "@/api/types";
import { openFeed } from "@/live/feed";

/** `up` is null until the stream has said anything. `lastAt`: when the server was last heard (epoch ms). */
export interface Link {
  up: boolean | null;
  lastAt: number | null;
}

const LinkContext = createContext<Link>({ up: null, lastAt: null });
export const useLink = (): Link => useContext(LinkContext);

export function LiveProvider({ children }: { children: ReactNode }): ReactNode {
  const cache = useQueryClient();
  const [link, setLink] = useState<Link>({ up: null, lastAt: null });
  useEffect(
    () =>
      openFeed("/api/v1/stream", (message) => {
        setLink(({ lastAt }) =>
          message.kind === "link" && !message.up ? { up: false, lastAt } : { up: true, lastAt: Date.now() },
        );
        if (message.kind === "event" && message.event === "status") applyStatus(cache, (message.data as StreamStatus).items);
        if (message.kind === "link") void (message.up ? cache.refetchQueries({ type: "active", predicate: failed }) : cache.invalidateQueries({ queryKey: ["session"] }));
      }),
    [cache],
  );
  return <LinkContext value={link}>{children}</LinkContext>;
}

/** Most of what is shown is asked for once: after an outage nothing else would ask again. */
const failed = ({ state }: Query): boolean => state.status === "error";

/** Lists are asked for again only where the status shows that something about them moved. */
function applyStatus(cache: QueryClient, statuses: GeneratorStatus[]): void {
  const before = cache.getQueryData<GeneratorStatus[]>(["generators"]) ?? [];
  cache.setQueryData(["generators"], statuses);
  for (const now of statuses) {
    const was = before.find(({ name }) => name === now.name);
    if (!was) continue;
    if (was.open_incidents !== now.open_incidents) void cache.invalidateQueries({ queryKey: ["incidents", now.name] });
    if (was.health !== now.health) void cache.invalidateQueries({ queryKey: ["monitors", now.name] });
    if (was.serving?.version !== now.serving?.version || was.open_release?.id !== now.open_release?.id)
      for (const noun of ["versions", "releases", "ledger", "series"])
        void cache.invalidateQueries({ queryKey: [noun, now.name] });
  }
}
