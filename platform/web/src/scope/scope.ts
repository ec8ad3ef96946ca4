import { useQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo } from "react";
import { useLocation, useNavigate, useSearchParams } from "react-router";

import { generatorsQuery } from "@/api/queries";
import type { GeneratorStatus } from "@/api/types";
import { DEFAULT_SPAN, readRange, type TimeRange, writeRange } from "@/scope/timeRange";

const REMEMBERED = "safelight.generator";
const CARRIED = ["generator", "range", "from", "to"];

/** A link inside the page that keeps what the reader is looking at: the generator and the time range. */
export function useHref(): (path: string, params?: Record<string, string | number | undefined>) => string {
  const [search] = useSearchParams();
  return useCallback(
    (path, params = {}) => {
      const next = new URLSearchParams();
      for (const name of CARRIED) {
        const value = search.get(name);
        if (value) next.set(name, value);
      }
      for (const [name, value] of Object.entries(params)) {
        if (value === undefined) next.delete(name);
        else next.set(name, String(value));
      }
      const query = next.toString();
      return query ? `${path}?${query}` : path;
    },
    [search],
  );
}

export interface GeneratorScope {
  /** The generator this page is about; undefined until the list has come, or when there is none at all. */
  current: GeneratorStatus | undefined;
  all: GeneratorStatus[];
  name: string | undefined;
  /** The list has come and holds nothing. */
  none: boolean;
  error: Error | null;
}

/** The generator in the URL, else the one looked at last in this browser, else the first. */
export function useGenerator(): GeneratorScope {
  const [search] = useSearchParams();
  const { data, error } = useQuery(generatorsQuery);
  const all = useMemo(() => data ?? [], [data]);
  const wanted = search.get("generator") ?? localStorage.getItem(REMEMBERED);
  const current = all.find((generator) => generator.name === wanted) ?? all[0];
  return { current, all, name: current?.name, none: data !== undefined && all.length === 0, error };
}

export function useSwitchGenerator(): (name: string) => void {
  const navigate = useNavigate();
  const { pathname } = useLocation();
  const href = useHref();
  return (name) => {
    localStorage.setItem(REMEMBERED, name);
    // Another generator's version 3 is another thing: a page about one item goes back to its list.
    const list = pathname.split("/").slice(0, 2).join("/") || "/";
    void navigate(href(list, { generator: name }));
  };
}

/** A page about one incident or release belongs to that item's generator, and so must the header's Rollback button. */
export function useAdoptGenerator(owner: string | undefined): void {
  const [search, setSearch] = useSearchParams();
  const { name } = useGenerator();
  useEffect(() => {
    if (!owner || !name || owner === name) return;
    const next = new URLSearchParams(search);
    next.set("generator", owner);
    setSearch(next, { replace: true });
  }, [owner, name, search, setSearch]);
}

/** The range in the URL; `fallback` (an hour) where it names none. */
export function useTimeRange(): { range: TimeRange; chosen: TimeRange | null; set: (range: TimeRange | null) => void } {
  const [search, setSearch] = useSearchParams();
  const chosen = useMemo(() => readRange(search), [search]);
  const range = useMemo<TimeRange>(() => chosen ?? { kind: "relative", span: DEFAULT_SPAN }, [chosen]);
  const set = useCallback((next: TimeRange | null) => setSearch((now) => writeRange(now, next)), [setSearch]);
  return { range, chosen, set };
}

/** One filter kept in the URL; an empty value leaves it out. */
export function useParam(name: string): [string, (value: string | null) => void] {
  const [search, setSearch] = useSearchParams();
  const set = useCallback(
    (value: string | null) =>
      setSearch(
        (now) => {
          const next = new URLSearchParams(now);
          if (value) next.set(name, value);
          else next.delete(name);
          return next;
        },
        { replace: true },
      ),
    [name, setSearch],
  );
  return [search.get(name) ?? "", set];
}
