import { type ReactNode, useEffect, useState } from "react";

import { useLink } from "@/live/LiveProvider";
import css from "@/live/Freshness.module.css";
import { duration } from "@/ui/words";

/** The server sends a heartbeat every few seconds: silence longer than this is no longer "live". */
const QUIET_AFTER_MS = 12_000;

/** Says how old what is on the screen can be, and never claims more than the stream shows. */
export function Freshness(): ReactNode {
  const { up, lastAt } = useLink();
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);

  const age = lastAt === null ? null : Math.max(0, now - lastAt);
  const live = up === true && age !== null && age < QUIET_AFTER_MS;
  const words = live ? "Live" : up === null ? "Connecting" : "Reconnecting";
  const detail = !live && age !== null ? `last data ${duration(Math.round(age / 1000))} ago` : null;
  return (
    <span className={css.root} data-live={live || undefined}>
      <span className={css.dot} aria-hidden />
      {/* Announced when the state changes, not every second that the age grows. */}
      <span role="status" className={css.word}>{words}</span>
      {detail && <span className={css.detail}>{detail}</span>}
    </span>
  );
}
