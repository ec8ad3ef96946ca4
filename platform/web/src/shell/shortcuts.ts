import { useEffect, useRef } from "react";

/** A key, or two pressed one after the other ("g o"). Capitals mean Shift; "mod+k" is Ctrl or Command. */
type Keys = string;

const CHORD_MS = 1200;
const handlers = new Map<Keys, () => void>();
let first: { key: string; at: number } | null = null;

/** Keys belong to whoever is being typed into, and to an open dialog. */
function busy(target: EventTarget | null): boolean {
  const element = target as HTMLElement | null;
  return (
    !!element?.closest?.("input, textarea, select, [contenteditable], [role='menu']") ||
    document.querySelector("[role='dialog']") !== null
  );
}

function listen(event: KeyboardEvent): void {
  if (event.isComposing || event.repeat || busy(event.target)) return;
  const mod = event.ctrlKey || event.metaKey;
  if (event.altKey) return;
  const key = mod ? `mod+${event.key.toLowerCase()}` : event.key;
  const chord = first && event.timeStamp - first.at < CHORD_MS ? `${first.key} ${key}` : null;
  first = null;
  const handler = (chord && handlers.get(chord)) ?? handlers.get(key);
  if (handler) {
    event.preventDefault();
    handler();
  } else if (!mod && [...handlers.keys()].some((keys) => keys.startsWith(`${key} `))) {
    first = { key, at: event.timeStamp };
  }
}

/** Call `action` on `keys` while the component is shown. */
export function useShortcut(keys: Keys, action: () => void): void {
  const latest = useRef(action);
  useEffect(() => {
    latest.current = action;
  });
  useEffect(() => {
    if (handlers.size === 0) document.addEventListener("keydown", listen);
    const handler = (): void => latest.current();
    handlers.set(keys, handler);
    return () => {
      if (handlers.get(keys) === handler) handlers.delete(keys);
      if (handlers.size === 0) document.removeEventListener("keydown", listen);
    };
  }, [keys]);
}
