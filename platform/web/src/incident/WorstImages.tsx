import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Link } from "react-router";

import { generationQuery } from "@/api/queries";
import css from "@/incident/WorstImages.module.css";
import { type WorstImage, worstImages } from "@/incident/evidence";
import { useHref } from "@/scope/scope";
import { Empty } from "@/ui/Empty";
import { Panel } from "@/ui/Panel";

interface Props {
  evidence: Record<string, unknown>;
  generator: string;
  version: number | null;
}

/** The images that speak loudest for the verdict, as they were when the incident opened. */
export function WorstImages({ evidence, generator, version }: Props): ReactNode {
  const href = useHref();
  const images = worstImages(evidence);
  return (
    <Panel title="Worst images" aside={version !== null && <Link to={href("/generations", { generator, version })}>All that v{version} made</Link>}>
      {images.length > 0 ? (
        <ul className={css.grid}>
          {images.map((image) => <Worst key={image.id} image={image} />)}
        </ul>
      ) : (
        <Empty icon="images" title="No single image stands out">What fired is about the whole, or about requests that made no image.</Empty>
      )}
    </Panel>
  );
}

/** The prompt is asked for apart: an incident's own document, which webhooks carry, holds none. */
function Worst({ image: { id, alignment, blank } }: { image: WorstImage }): ReactNode {
  const href = useHref();
  const { data } = useQuery(generationQuery(id));
  return (
    <li>
      <Link to={href(`/generations/${id}`)}>
        <img src={`/api/v1/generations/${id}/thumbnail`} alt="" loading="lazy" />
        <span className={css.prompt}>{data ? data.prompt.trim() || <span className="muted">empty prompt</span> : <span className="visually-hidden">Generation {id}</span>}</span>
        <span className={css.score}>{blank ? "blank" : alignment !== null && `alignment ${alignment.toFixed(2)}`}</span>
      </Link>
    </li>
  );
}
