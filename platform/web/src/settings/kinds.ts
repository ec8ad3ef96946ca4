import type { Channel } from "@/api/types";

export type Kind = Channel["kind"];

interface Form {
  label: string;
  address: string;
  placeholder: string;
  optional?: boolean;
}

/** What a person is asked for, by the kind of channel. */
export const KINDS: Record<Kind, Form> = {
  webhook: { label: "Webhook, signed", address: "Address", placeholder: "https://" },
  pagerduty: { label: "PagerDuty", address: "Address, where it is not the usual one", placeholder: "https://events.pagerduty.com/v2/enqueue", optional: true },
  slack: { label: "Slack", address: "Address of the incoming webhook", placeholder: "https://hooks.slack.com/services/…" },
  alertmanager: { label: "Alertmanager", address: "Address", placeholder: "https://alertmanager:9093" },
  heartbeat: { label: "Dead man's switch", address: "Address to call once a minute", placeholder: "https://" },
};

/** Their address is a secret: only its beginning is known here. */
export const HIDDEN: ReadonlySet<Kind> = new Set<Kind>(["slack", "heartbeat"]);
