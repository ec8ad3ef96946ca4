import type { IconName } from "@/ui/Icon";

export interface Place {
  path: string;
  name: string;
  icon: IconName;
  /** Second key of its "g" chord. */
  key: string;
}

export const PLACES: Place[] = [
  { path: "/", name: "Overview", icon: "overview", key: "o" },
  { path: "/incidents", name: "Incidents", icon: "incidents", key: "i" },
  { path: "/generations", name: "Generations", icon: "images", key: "g" },
  { path: "/monitors", name: "Monitors", icon: "monitors", key: "m" },
  { path: "/probes", name: "Probes", icon: "probes", key: "p" },
  { path: "/baselines", name: "Baselines", icon: "baselines", key: "b" },
  { path: "/versions", name: "Versions", icon: "versions", key: "v" },
  { path: "/compare", name: "Compare", icon: "compare", key: "c" },
  { path: "/reports", name: "Daily reports", icon: "reports", key: "d" },
  { path: "/attributes", name: "Attributes", icon: "attributes", key: "t" },
  { path: "/releases", name: "Releases", icon: "releases", key: "r" },
  { path: "/backfills", name: "Backfills", icon: "backfills", key: "f" },
  { path: "/jobs", name: "Jobs", icon: "jobs", key: "j" },
  { path: "/audit", name: "Audit", icon: "audit", key: "a" },
  { path: "/settings", name: "Settings", icon: "settings", key: "s" },
];

/** On a phone's bottom bar; the rest is behind "More". */
export const FIRST_PLACES = 4;
