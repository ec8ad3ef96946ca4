import { Button, Radio, Select, Stack, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";

import { type NewBaseline, useMakeBaseline } from "@/api/actions";
import { versionsQuery } from "@/api/queries";
import { SPANS, type Span } from "@/scope/timeRange";
import { Dialog } from "@/ui/Dialog";
import { Failure } from "@/ui/Notice";

type Source = NewBaseline["source"];

const SOURCES: Record<Source, [name: string, meaning: string]> = {
  traffic: ["What it served", "The images of a time in which it was as it should be. Incidents are left out."],
  replay: ["A replay", "It makes the newest requests of production anew, beside what serves: for a version that has not served yet."],
  canary: ["Its canary traffic", "What it made while it had a part of the requests."],
  shadow: ["Its shadow traffic", "What it made unseen, beside what served."],
};
const RANGES: Record<Span, string> = { "15m": "the last 15 minutes", "1h": "the last hour", "6h": "the last 6 hours", "24h": "the last 24 hours", "7d": "the last 7 days" };
const FEWEST_PROMPTS = 512;
const MOST_PROMPTS = 2000;

interface Props {
  generator: string;
  serving: number | null;
  onClose: () => void;
}

/** What a baseline is to be made of. It never changes afterwards, so its name says what it stands for. */
export function MakeBaseline({ generator, serving, onClose }: Props): ReactNode {
  const versions = useQuery(versionsQuery(generator)).data ?? [];
  const [version, setVersion] = useState(serving === null ? null : String(serving));
  const [name, setName] = useState("");
  const [source, setSource] = useState<Source>("traffic");
  const [range, setRange] = useState<Span>("24h");
  const [prompts, setPrompts] = useState("1024");
  const make = useMakeBaseline();
  const ready = version !== null && name.trim() !== "";

  const submit = (): void => {
    if (ready) make.mutate(order({ generator, version: Number(version), name: name.trim() }, source, range, Number(prompts)), { onSuccess: onClose });
  };
  return (
    <Dialog title={`Make a baseline of ${generator}`} onClose={onClose} onSubmit={submit} actions={
      <>
        <Button variant="default" onClick={onClose}>Cancel</Button>
        <Button type="submit" disabled={!ready} loading={make.isPending}>Make it</Button>
      </>
    }>
      <Select label="Version" data={versions.map(({ number, description }) => ({ value: String(number), label: `v${number} ${description}` }))}
        allowDeselect={false} value={version} onChange={setVersion} />
      <TextInput label="Name" description="It never changes: say what it stands for." placeholder="first-day" required maxLength={100} autoComplete="off"
        data-autofocus value={name} onChange={(event) => setName(event.currentTarget.value)} />
      <Radio.Group label="Made of" value={source} onChange={(next) => setSource(next as Source)}>
        <Stack gap="sm" mt={6}>
          {(Object.keys(SOURCES) as Source[]).map((value) => <Radio key={value} value={value} label={SOURCES[value][0]} description={SOURCES[value][1]} />)}
        </Stack>
      </Radio.Group>
      {source === "replay" ? (
        <TextInput type="number" label="Requests" required description={`${FEWEST_PROMPTS} to 2,000, each replayed once. More see smaller changes.`}
          min={FEWEST_PROMPTS} max={MOST_PROMPTS} value={prompts} onChange={(event) => setPrompts(event.currentTarget.value)} />
      ) : (
        <Select label="From" data={(Object.keys(RANGES) as Span[]).map((value) => ({ value, label: RANGES[value] }))} allowDeselect={false}
          value={range} onChange={(next) => setRange(next as Span)} />
      )}
      {make.error && <Failure error={make.error} />}
    </Dialog>
  );
}

/** The request as the API takes it; a range is frozen at the moment it is asked for. */
function order(which: { generator: string; version: number; name: string }, source: Source, range: Span, prompts: number): NewBaseline {
  if (source === "replay") return { ...which, source, prompts };
  const to = new Date();
  return { ...which, source, from: new Date(to.getTime() - SPANS[range] * 1000).toISOString(), to: to.toISOString() };
}
