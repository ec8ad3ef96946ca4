/**
 * The event stream, once per browser.
 *
 * HTTP/1.1 allows six connections to a host, and a stream holds one for as long as it is open: with a stream per tab
 * the seventh tab hangs. So visible tabs queue for a lock, its holder keeps the stream, and the others hear it over a
 * broadcast channel. A hidden tab lets go. Where the browser has no locks (a plain http address that is not
 * localhost) each visible tab keeps its own.
 */
const NAME = "safelight.stream";
const EVENTS = ["status", "heartbeat"] as const;
const RETRY_MS = 5000;

export type FeedEvent = (typeof EVENTS)[number];
export type FeedMessage = { kind: "event"; event: FeedEvent; data: unknown } | { kind: "link"; up: boolean };

/** Listen until the returned function is called. */
export function openFeed(url: string, listener: (message: FeedMessage) => void): () => void {
  const channel = new BroadcastChannel(NAME);
  channel.onmessage = ({ data }: MessageEvent<FeedMessage>) => listener(data);
  const tell = (message: FeedMessage): void => {
    listener(message);
    channel.postMessage(message);
  };

  let turn: AbortController | null = null;
  const follow = (): void => {
    if (document.hidden) {
      turn?.abort();
      turn = null;
    } else if (!turn) {
      turn = new AbortController();
      void takeTurn(turn.signal, () => read(url, turn!.signal, tell));
    }
  };
  document.addEventListener("visibilitychange", follow);
  follow();

  return () => {
    document.removeEventListener("visibilitychange", follow);
    turn?.abort();
    channel.close();
  };
}

async function takeTurn(signal: AbortSignal, hold: () => Promise<void>): Promise<void> {
  if (!("locks" in navigator)) return hold();
  try {
    await navigator.locks.request(NAME, { signal }, hold);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** Reads the stream until aborted. A browser gives up on a refused stream for good, so it is opened anew. */
function read(url: string, signal: AbortSignal, tell: (message: FeedMessage) => void): Promise<void> {
  return new Promise((done) => {
    let source: EventSource | undefined;
    let retry: ReturnType<typeof setTimeout> | undefined;
    const open = (): void => {
      source = new EventSource(url);
      source.onopen = () => tell({ kind: "link", up: true });
      source.onerror = () => {
        tell({ kind: "link", up: false });
        if (source?.readyState === EventSource.CLOSED) retry = setTimeout(open, RETRY_MS);
      };
      for (const event of EVENTS)
        source.addEventListener(event, ({ data }: MessageEvent<string>) =>
          tell({ kind: "event", event, data: JSON.parse(data) }),
        );
    };
    const close = (): void => {
      clearTimeout(retry);
      source?.close();
      done();
    };
    if (signal.aborted) return close();
    signal.addEventListener("abort", close, { once: true });
    open();
  });
}
