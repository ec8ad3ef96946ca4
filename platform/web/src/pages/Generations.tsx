import { Button, Select, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { useSearchParams } from "react-router";

import { generationsQuery, slicesQuery, versionsQuery } from "@/api/queries";
import { NoImages } from "@/gallery/NoImages";
import { Thumbs } from "@/gallery/Thumb";
import { RangePicker } from "@/scope/RangePicker";
import { useGenerator, useParam, useTimeRange } from "@/scope/scope";
import css from "@/pages/Generations.module.css";
import { Empty } from "@/ui/Empty";
import { Icon } from "@/ui/Icon";
import { Load } from "@/ui/Load";
import { PageHead } from "@/ui/PageHead";
import { humanise } from "@/ui/words";

const FLAGS = ["blank", "broken", "near_duplicate", "low_alignment", "failed"];
const OUTCOMES = ["served", "filtered", "failed", "cancelled"];
const ARMS = ["stable", "canary", "shadow", "probe", "replay"];
const PARTS = ["replica", "adapter", "tenant", "region"] as const;
const FILTERS = ["version", "outcome", "flag", "arm", "q", ...PARTS];

const options = (codes: string[]): { value: string; label: string }[] => codes.map((value) => ({ value, label: humanise(value) }));

export default function Generations(): ReactNode {
  const { name } = useGenerator();
  return (
    <>
      <PageHead title="Generations" lead="Every image that was made or should have been, newest first."><RangePicker anyTime="Any time" /></PageHead>
      {name && <Gallery key={name} generator={name} />}
    </>
  );
}

function Gallery({ generator }: { generator: string }): ReactNode {
  const [search, setSearch] = useSearchParams();
  const { chosen: range } = useTimeRange();
  const parts = Object.fromEntries(PARTS.map((part) => [part, search.get(part) ?? undefined]));
  const [version] = useParam("version");
  const [outcome] = useParam("outcome");
  const [flag] = useParam("flag");
  const [arm] = useParam("arm");
  const [q] = useParam("q");
  const filter = { version: version ? Number(version) : undefined, outcome, flag, arm, q, ...parts, range };
  const query = useInfiniteQuery(generationsQuery(generator, filter));
  const filtered = range !== null || FILTERS.some((one) => search.get(one));
  const clear = (): void =>
    setSearch((now) => {
      const next = new URLSearchParams(now);
      for (const one of [...FILTERS, "range", "from", "to"]) next.delete(one);
      return next;
    });

  return (
    <>
      <Filters generator={generator} />
      <Load query={query} height={480}>
        {({ pages }) => {
          const items = pages.flatMap((page) => page.items);
          if (items.length > 0) return <Thumbs of={items} label="Generations" />;
          if (query.hasNextPage)
            return <Empty icon="search" title="None among the newest that were looked through">It may lie further back: what is rare is looked for piece by piece.</Empty>;
          return filtered ? (
            <Empty icon="search" title="No generation matches">
              <Button mt={8} variant="default" size="xs" onClick={clear}>Clear the filters</Button>
            </Empty>
          ) : (
            <NoImages generator={generator} />
          );
        }}
      </Load>
      {query.hasNextPage && (
        <Button variant="default" style={{ alignSelf: "center" }} loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
          {query.data?.pages.every(({ items }) => items.length === 0) ? "Look further back" : "Show older"}
        </Button>
      )}
    </>
  );
}

function Filters({ generator }: { generator: string }): ReactNode {
  const versions = useQuery(versionsQuery(generator)).data ?? [];
  const [q, setQ] = useParam("q");
  const [typed, setTyped] = useState(q);
  const sent = useRef(q);
  const search = useDebouncedCallback((words: string) => {
    sent.current = words;
    setQ(words);
  }, 350);
  // Cleared, or gone to by another link: the address has changed, and not by what is typed here.
  useEffect(() => {
    if (q !== sent.current) setTyped(q);
    sent.current = q;
  }, [q]);
  return (
    <form role="search" aria-label="Generations" className={css.filters} onSubmit={(event) => event.preventDefault()}>
      <TextInput className={css.words} size="sm" leftSection={<Icon name="search" size={15} />} placeholder="Words in the prompt" aria-label="Words in the prompt"
        value={typed} onChange={(event) => {
          setTyped(event.currentTarget.value);
          search(event.currentTarget.value);
        }} />
      <Choice name="version" label="Any version" data={versions.map(({ number }) => ({ value: String(number), label: `v${number}` }))} />
      <Choice name="flag" label="Any sign" data={options(FLAGS)} />
      <Choice name="outcome" label="Any outcome" data={options(OUTCOMES)} />
      <Choice name="arm" label="Any arm" data={options(ARMS)} />
      <Part generator={generator} />
    </form>
  );
}

/** One part of the traffic: those that have a name of their own with the monitors, and the one in the address. */
function Part({ generator }: { generator: string }): ReactNode {
  const [search, setSearch] = useSearchParams();
  const known = useQuery(slicesQuery(generator)).data?.map(({ slice }) => slice) ?? [];
  const part = PARTS.find((each) => search.get(each));
  const chosen = part ? `${part}=${search.get(part)}` : null;
  const parts = [...new Set([...known, ...(chosen ? [chosen] : [])])].filter((slice) => PARTS.some((each) => slice.startsWith(`${each}=`)));
  const set = (slice: string | null): void =>
    setSearch(
      (now) => {
        const next = new URLSearchParams(now);
        for (const each of PARTS) next.delete(each);
        const [name, ...value] = slice?.split("=") ?? [];
        if (name) next.set(name, value.join("="));
        return next;
      },
      { replace: true },
    );
  if (parts.length === 0) return null;
  return (
    <Select className={css.choice} size="sm" aria-label="Part of the traffic" placeholder="Any part" clearable searchable value={chosen} onChange={set}
      data={parts.toSorted().map((slice) => ({ value: slice, label: slice.replace("=", " ") }))} />
  );
}

function Choice({ name, label, data }: { name: string; label: string; data: { value: string; label: string }[] }): ReactNode {
  const [value, set] = useParam(name);
  return (
    <Select className={css.choice} size="sm" aria-label={humanise(name)} placeholder={label} clearable data={data} value={value || null} onChange={set} />
  );
}
