import { createContext, type ReactNode, useContext, useEffect, useState } from "react";

import { timeZone } from "@/scope/timeRange";
import { ago, duration, instant } from "@/ui/words";

const Now = createContext(new Date());
const TICK_MS = 5000;

/** One clock for all ages on the page: they move together, and nothing else renders for it. */
export function NowProvider({ children }: { children: ReactNode }): ReactNode {
  const [now, setNow] = useState(() => new Date());
  useEffect(() => {
    const timer = setInterval(() => setNow(new Date()), TICK_MS);
    return () => clearInterval(timer);
  }, []);
  return <Now value={now}>{children}</Now>;
}

export const useNow = (): Date => useContext(Now);

/** An instant: its age by default, the clock time with `clock`; the full time and zone on hover. */
export function When({ at, clock = false }: { at: string | null | undefined; clock?: boolean }): ReactNode {
  const now = useNow();
  if (!at) return <span className="muted">–</span>;
  const date = new Date(at);
  return (
    <time dateTime={at} title={`${date.toLocaleString("en-GB")} ${timeZone}`} style={{ whiteSpace: "nowrap" }}>
      {clock ? instant(date, now) : ago(date, now)}
    </time>
  );
}

/** How long something has lasted, or did. */
export function Lasting({ from, to }: { from: string; to?: string | null }): ReactNode {
  const now = useNow();
  const end = to ? Date.parse(to) : now.getTime();
  return <span style={{ whiteSpace: "nowrap" }}>{duration((end - Date.parse(from)) / 1000)}</span>;
}
