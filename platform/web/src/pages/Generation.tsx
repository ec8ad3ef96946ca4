import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Link, useParams } from "react-router";

import { generationQuery } from "@/api/queries";
import type { Generation as One } from "@/api/types";
import { Picture } from "@/gallery/Picture";
import { Feedback } from "@/generation/Feedback";
import { Replays } from "@/generation/Replays";
import css from "@/pages/Generation.module.css";
import { useAdoptGenerator, useHref } from "@/scope/scope";
import { Command } from "@/ui/Command";
import { Empty } from "@/ui/Empty";
import { Facts } from "@/ui/Facts";
import { Load } from "@/ui/Load";
import { PageHead } from "@/ui/PageHead";
import { Panel } from "@/ui/Panel";
import { State } from "@/ui/State";
import { VersionTag } from "@/ui/VersionTag";
import { useNow, When } from "@/ui/When";
import { figure, humanise, milliseconds } from "@/ui/words";

export default function Generation(): ReactNode {
  const query = useQuery(generationQuery(useParams()["id"] ?? ""));
  useAdoptGenerator(query.data?.generator);
  return (
    <>
      <PageHead title="Generation" back={{ to: "/generations", label: "Generations" }} heading={query.data?.prompt.trim() || "Generation"} />
      <Load query={query} height={480}>{(generation) => <Body generation={generation} />}</Load>
    </>
  );
}

function Body({ generation }: { generation: One }): ReactNode {
  const { image_url, prompt, outcome } = generation;
  return (
    <div className={css.columns}>
      <div>
        {image_url ? (
          <Picture src={image_url} prompt={prompt} />
        ) : (
          <Missing generation={generation} />
        )}
      </div>
      <div className="stack">
        <Panel title="Made"><Made generation={generation} /></Panel>
        <Panel title="Signals"><Signals generation={generation} /></Panel>
        {outcome === "served" && <Panel title="Feedback" aside="what people made of it"><Feedback generation={generation} /></Panel>}
        <Panel title="Parameters"><Document of={generation.parameters} /></Panel>
        <Panel title="Replay envelope" aside="what making it again needs">
          <Facts of={[
            ["Seed", generation.seed ?? <span className="muted">not set</span>],
            ["Bundle", <Command key="bundle">{generation.bundle_digest}</Command>],
          ]} />
          <Document of={generation.envelope} />
        </Panel>
        {image_url && generation.source === "engine" && <Panel title="Replays" aside="the same, made again"><Replays generation={generation} /></Panel>}
        {generation.environment && <Panel title="Environment"><Document of={generation.environment} /></Panel>}
      </div>
    </div>
  );
}

const ARRIVES_WITHIN_MS = 10 * 60_000;

/** Why there is no image to be seen. */
function Missing({ generation: { outcome, created_at } }: { generation: One }): ReactNode {
  const fresh = useNow().getTime() - Date.parse(created_at) < ARRIVES_WITHIN_MS;
  if (outcome !== "served") return <Empty icon="images" title="No image">This generation was {outcome}.</Empty>;
  return fresh
    ? <Empty icon="images" title="The image is not stored yet">It is on its way; reload in a moment.</Empty>
    : <Empty icon="images" title="No image is kept">It was never sent here, could not be fetched, or is older than images are kept.</Empty>;
}

/** Parts of the traffic that it belongs to: each leads to what else was made there. */
const PARTS = ["replica", "adapter", "tenant", "region"] as const;

function Made({ generation }: { generation: One }): ReactNode {
  const href = useHref();
  const { version, outcome, error_code, created_at, total_ms, engine_ms, queue_ms, arm, source, request_id, id, prompt, final_prompt } = generation;
  return (
    <Facts of={[
      ["Version", <VersionTag key="version" version={version} link />],
      ["Outcome", <span key="outcome" className="row"><State of={outcome} />{error_code && <code>{error_code}</code>}</span>],
      ["When", <When key="when" at={created_at} clock />],
      ["Time", `${milliseconds(total_ms)}: ${milliseconds(engine_ms)} in the engine, ${milliseconds(queue_ms)} waiting`],
      ["Arm", humanise(arm)],
      ["Source", humanise(source)],
      ...PARTS.map((part): [string, ReactNode] => [humanise(part), generation[part] ? <Link key={part} to={href("/generations", { [part]: generation[part] })}>{generation[part]}</Link> : null]),
      ["Given to the model", final_prompt && final_prompt !== prompt ? final_prompt : null],
      ["Request", <code key="request">{request_id}</code>],
      ["Identifier", <code key="id">{id}</code>],
    ]} />
  );
}

function Signals({ generation: { score, outcome } }: { generation: One }): ReactNode {
  const href = useHref();
  if (!score)
    return <p className="soft">{outcome === "served" ? "Not scored yet; this takes seconds." : "Only served images are scored."}</p>;
  const marks = [score.blank && "blank", score.broken && (score.broken_reason ?? "broken"), score.prompt_truncated && "prompt longer than the embedder reads"].filter(Boolean).join(", ");
  return (
    <Facts of={[
      ["Prompt alignment", figure(score.alignment)],
      ["Sharpness", figure(score.sharpness)],
      ["Contrast", figure(score.contrast)],
      ["Brightness", figure(score.brightness)],
      ["Marked", marks || "nothing"],
      ["Near duplicate", score.near_duplicate_of ? <Link key="of" to={href(`/generations/${score.near_duplicate_of}`)}>of this image</Link> : "of none seen"],
    ]} />
  );
}

/** A document whose keys are the server's, one line a leaf. */
function Document({ of }: { of: Record<string, unknown> }): ReactNode {
  const lines = Object.entries(of).map(([name, value]): [string, ReactNode] => [
    humanise(name),
    typeof value === "object" && value !== null ? <code key={name}>{JSON.stringify(value)}</code> : value === "" || value === null ? <span key={name} className="muted">none</span> : String(value),
  ]);
  return lines.length > 0 ? <Facts of={lines} /> : <p className="soft">Nothing is recorded.</p>;
}
