import type { ReactNode } from "react";

/** One stroke weight, one grid of 24: drawn for this page, so that no icon library is shipped. */
const PATHS = {
  overview: "M4 12l8-8 8 8M6 10v10h12V10M10 20v-6h4v6",
  images: "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15.5 9.5h.01",
  monitors: "M3 12h4l3-8 4 16 3-8h4",
  probes: "M4 6h7v7H4zM13 11h7v7h-7zM11 9.5h4V11M13 14.5H8V13",
  compare: "M12 4v16M4 7h5v10H4zM15 7h5v10h-5z",
  baselines: "M3 19h18M4 15c4 0 4-9 8-9s4 9 8 9",
  reports: "M5 5h14v15H5zM5 9.5h14M9 3v4M15 3v4M8 16l3-3 2 2 3-3",
  attributes: "M4 18h16M6 18v-5h3v5M11 18V6h3v12M16 18v-8h3v8",
  jobs: "M5 5h14v4H5zM5 11h14v4H5zM5 17h9v3H5z",
  backfills: "M20 12a8 8 0 1 1-2.6-5.9M20 4v4.5h-4.5M12 8v4l3 2",
  up: "M7 11v9H4v-9zM7 11l4-7c1.5 0 2.3 1 2 2.5L12.5 10H19c1 0 1.7.9 1.4 1.9l-1.8 6.6c-.2.9-1 1.5-1.9 1.5H7",
  down: "M7 13V4H4v9zM7 13l4 7c1.5 0 2.3-1 2-2.5l-.5-3.5H19c1 0 1.7-.9 1.4-1.9l-1.8-6.6c-.2-.9-1-1.5-1.9-1.5H7",
  incidents: "M12 4l9 16H3zM12 10v4M12 17h.01",
  versions: "M12 3l9 5-9 5-9-5zM3 12.5l9 5 9-5M3 17l9 5 9-5",
  releases: "M5 4v16M5 8h9a4 4 0 0 1 0 8H9M12 13l-3 3 3 3",
  audit: "M6 3h12v18H6zM9 8h6M9 12h6M9 16h3",
  settings: "M4 7h10M18 7h2M4 17h2M10 17h10M16 5v4M8 15v4",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  rollback: "M9 14l-5-5 5-5M4 9h10a6 6 0 0 1 0 12h-3",
  promote: "M12 20V5M6 11l6-6 6 6",
  check: "M5 13l4 4L19 7",
  alert: "M12 8v5M12 16h.01M4 12a8 8 0 1 0 16 0a8 8 0 1 0-16 0",
  question: "M9.5 9.5a2.5 2.5 0 1 1 3.5 2.3c-.7.4-1 .9-1 1.7M12 17h.01M4 12a8 8 0 1 0 16 0a8 8 0 1 0-16 0",
  cross: "M6 6l12 12M18 6L6 18",
  minus: "M6 12h12",
  clock: "M4 12a8 8 0 1 0 16 0a8 8 0 1 0-16 0M12 8v4l3 2",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  search: "M5 11a6 6 0 1 0 12 0a6 6 0 1 0-12 0M16 16l4 4",
  chevron: "M8 10l4 4 4-4",
  right: "M5 12h14M13 6l6 6-6 6",
  left: "M19 12H5M11 6l-6 6 6 6",
  freeze: "M12 3v18M4.5 7.5l15 9M19.5 7.5l-15 9",
  person: "M8 8a4 4 0 1 0 8 0a4 4 0 1 0-8 0M4 21c1-5 4-7 8-7s7 2 8 7",
  lock: "M6 11h12v9H6zM9 11V8a3 3 0 0 1 6 0v3",
  bell: "M6 16V11a6 6 0 0 1 12 0v5l1.5 2h-15zM10 21h4",
  key: "M4 15a4 4 0 1 0 8 0a4 4 0 1 0-8 0M11 12l8-8M16 7l3 3",
  engine: "M7 7h10v10H7zM10 3v4M14 3v4M10 17v4M14 17v4M3 10h4M3 14h4M17 10h4M17 14h4",
  keyboard: "M3 6h18v12H3zM7 10h.01M11 10h.01M15 10h.01M8 14h8",
} as const;

export type IconName = keyof typeof PATHS;

/** Decoration only: words beside it carry the meaning. */
export function Icon({ name, size = 16 }: { name: IconName; size?: number }): ReactNode {
  return (
    <svg width={size} height={size} viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth={1.8}
      strokeLinecap="round" strokeLinejoin="round" aria-hidden focusable="false" style={{ flex: "none" }}>
      <path d={PATHS[name]} />
    </svg>
  );
}
