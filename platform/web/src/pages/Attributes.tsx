import { Button } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useMemo } from "react";

import { useDropAttribute } from "@/api/actions";
import { attributesQuery, readingsQuery } from "@/api/queries";
import type { Attribute, AttributeReading } from "@/api/types";
import { optionColor, Shares } from "@/attribute/Shares";
import { WatchAttribute } from "@/attribute/WatchAttribute";
import type { ChartSpec } from "@/chart/spec";
import { TimeChart } from "@/chart/TimeChart";
import { useGenerator } from "@/scope/scope";
import { useMay } from "@/session/role";
import { Dialog } from "@/ui/Dialog";
import { Empty } from "@/ui/Empty";
import { Load } from "@/ui/Load";
import { Failure } from "@/ui/Notice";
import { PageHead } from "@/ui/PageHead";
import { Panel } from "@/ui/Panel";
import { VersionTag } from "@/ui/VersionTag";
import { When } from "@/ui/When";
import { count, percent } from "@/ui/words";

const FEWEST_DRAWN = 3;

export default function Attributes(): ReactNode {
  const { name } = useGenerator();
  const [adding, dialog] = useDisclosure();
  const may = useMay("operate");
  return (
    <>
      <PageHead title="Attributes" lead="What prompts leave open and images decide: who is shown when a doctor is asked for. Counted, with intervals of 95 %; whether it is right is for people to say.">
        {name && may && <Button variant="default" onClick={dialog.open}>Watch an attribute</Button>}
      </PageHead>
      {name && <Body key={name} generator={name} />}
      {name && adding && <WatchAttribute generator={name} onClose={dialog.close} />}
    </>
  );
}

function Body({ generator }: { generator: string }): ReactNode {
  return (
    <Load query={useQuery(attributesQuery(generator))} height={320}>
      {(attributes) =>
        attributes.length > 0 ? (
          attributes.map((each) => <One key={each.name} generator={generator} attribute={each} />)
        ) : (
          <Panel title="Nothing is watched">
            <Empty icon="attributes" title="No attribute is watched yet">
              Name a word of prompts and some phrases: once an hour it is counted which of them describes each image best.
            </Empty>
          </Panel>
        )
      }
    </Load>
  );
}

function One({ generator, attribute }: { generator: string; attribute: Attribute }): ReactNode {
  const { name, about, latest } = attribute;
  const [dropping, dialog] = useDisclosure();
  const may = useMay("operate");
  const readings = useQuery(readingsQuery(generator, name)).data ?? [];
  return (
    <Panel title={name} aside={
      <span className="row">
        {about ? `prompts with “${about}”` : "all prompts"}
        {may && <Button size="compact-xs" variant="default" onClick={dialog.open}>Stop<span className="visually-hidden"> watching {name}</span></Button>}
      </span>
    }>
      {latest ? (
        <div className="stack">
          <Shares of={latest} />
          <p className="soft">
            {count(latest.n)} images of <VersionTag version={latest.version} link /> in the day before <When at={latest.at} clock /> show one of these
            {latest.unclear > 0 && `; ${count(latest.unclear)} more are none of them clearly`}.
          </p>
          {readings.length >= FEWEST_DRAWN && <History attribute={attribute} readings={readings} />}
        </div>
      ) : (
        <p className="soft">Not read yet: it is read once an hour, from what was served in the day before.</p>
      )}
      {dropping && <Drop generator={generator} name={name} onClose={dialog.close} />}
    </Panel>
  );
}

function History({ attribute: { name, options }, readings }: { attribute: Attribute; readings: AttributeReading[] }): ReactNode {
  const spec = useMemo((): ChartSpec => {
    const oldest = readings.toReversed();
    const at = ({ at: hour }: AttributeReading): number => Date.parse(hour);
    return {
      from: at(oldest[0]!),
      to: at(oldest.at(-1)!),
      lines: options.map((option, place) => ({
        name: option,
        color: optionColor(place),
        points: oldest.map((reading) => [at(reading), reading.shares[place]?.share ?? null]),
      })),
      limits: [],
      markers: [],
      shades: [],
      format: percent,
      zero: true,
    };
  }, [options, readings]);
  return <TimeChart title={`Shares of ${name}, hour by hour`} spec={spec} />;
}

function Drop({ generator, name, onClose }: { generator: string; name: string; onClose: () => void }): ReactNode {
  const drop = useDropAttribute(generator);
  return (
    <Dialog title={`Stop watching ${name}?`} onClose={onClose} onSubmit={() => drop.mutate(name, { onSuccess: onClose })} actions={
      <>
        <Button variant="default" onClick={onClose}>Cancel</Button>
        <Button type="submit" color="var(--bad-solid)" loading={drop.isPending}>Stop and forget its readings</Button>
      </>
    }>
      <p className="soft">Its readings are forgotten too. Images and scores stay.</p>
      {drop.error && <Failure error={drop.error} />}
    </Dialog>
  );
}
