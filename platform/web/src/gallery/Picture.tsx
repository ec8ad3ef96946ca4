import { type ReactNode, useState } from "react";

import css from "@/gallery/Picture.module.css";

/** Below this the image is shown larger than it is, and then as the pixels it has rather than a blur. */
const SMALL_PX = 256;

export function Picture({ src, prompt }: { src: string; prompt: string }): ReactNode {
  const [size, setSize] = useState<[width: number, height: number] | null>(null);
  return (
    <figure className={css.figure}>
      <a href={src} target="_blank" rel="noreferrer">
        <img className={css.image} src={src} alt={`Made for the prompt: ${prompt}`} data-small={(size && size[0] < SMALL_PX) || undefined}
          onLoad={({ currentTarget: { naturalWidth, naturalHeight } }) => setSize([naturalWidth, naturalHeight])} />
      </a>
      {size && <figcaption className="muted">{size[0]} × {size[1]} pixels</figcaption>}
    </figure>
  );
}
