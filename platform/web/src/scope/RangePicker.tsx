import { Button, Menu, TextInput, Tooltip } from "@mantine/core";
import { type FormEvent, type ReactNode, useState } from "react";

import { useTimeRange } from "@/scope/scope";
import { freeze, resolve, type Span, SPANS, timeZone } from "@/scope/timeRange";
import { Icon } from "@/ui/Icon";
import { useShortcut } from "@/shell/shortcuts";
import { instant } from "@/ui/words";

const NAMES: Record<Span, string> = {
  "15m": "Last 15 minutes",
  "1h": "Last hour",
  "6h": "Last 6 hours",
  "24h": "Last 24 hours",
  "7d": "Last 7 days",
};

/** The form a datetime-local field wants, in the reader's own zone. */
const local = (date: Date): string => new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);

interface Props {
  /** Where a page can do without a range (all generations), the name of that choice. */
  anyTime?: string;
}

export function RangePicker({ anyTime }: Props): ReactNode {
  const { range, chosen, set } = useTimeRange();
  const [opened, setOpened] = useState(false);
  useShortcut("t", () => setOpened(true));
  useShortcut("f", () => set(freeze(range, new Date())));
  const none = anyTime !== undefined && chosen === null;
  const label = none
    ? anyTime
    : range.kind === "relative"
      ? NAMES[range.span]
      : `${instant(range.from)} – ${instant(range.to)}`;
  return (
    <div className="row-tight">
      <Menu opened={opened} onChange={setOpened} position="bottom-end" width={270} withinPortal>
        <Menu.Target>
          <Button variant="default" size="xs" leftSection={<Icon name="clock" size={14} />} rightSection={<Icon name="chevron" size={14} />}
            aria-label={`Time range: ${label}`}>
            {label}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>Times are in {timeZone}</Menu.Label>
          {anyTime && <Menu.Item onClick={() => set(null)}>{anyTime}</Menu.Item>}
          {(Object.keys(SPANS) as Span[]).map((span) => (
            <Menu.Item key={span} onClick={() => set({ kind: "relative", span })}>{NAMES[span]}</Menu.Item>
          ))}
          <Menu.Divider />
          <Between onDone={(from, to) => {
            set({ kind: "absolute", from, to });
            setOpened(false);
          }} initial={resolve(range, new Date())} />
        </Menu.Dropdown>
      </Menu>
      {!none && range.kind === "relative" && (
        <Tooltip label="Freeze: keep this window in the link (f)">
          <Button variant="default" size="xs" px={8} aria-label="Freeze the time range" onClick={() => set(freeze(range, new Date()))}>
            <Icon name="freeze" size={14} />
          </Button>
        </Tooltip>
      )}
    </div>
  );
}

function Between({ initial, onDone }: { initial: { from: Date; to: Date }; onDone: (from: Date, to: Date) => void }): ReactNode {
  const [from, setFrom] = useState(local(initial.from));
  const [to, setTo] = useState(local(initial.to));
  const valid = new Date(from) < new Date(to);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (valid) onDone(new Date(from), new Date(to));
  };
  return (
    <form onSubmit={submit} style={{ padding: "4px 12px 10px", display: "grid", gap: 8 }}>
      <TextInput type="datetime-local" size="xs" label="From" value={from} onChange={(e) => setFrom(e.currentTarget.value)} />
      <TextInput type="datetime-local" size="xs" label="To" value={to} onChange={(e) => setTo(e.currentTarget.value)}
        error={valid ? undefined : "Must be after the start."} />
      <Button type="submit" size="xs" disabled={!valid}>Show this window</Button>
    </form>
  );
}
