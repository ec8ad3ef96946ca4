import type { ReactNode } from "react";

/** The shape of a tile's last hour. A null is a gap, never a zero. */
export function Spark({ values, color }: { values: (number | null)[]; color: string }): ReactNode {
  const known = values.filter((value): value is number => value !== null);
  if (known.length < 2) return <svg viewBox="0 0 100 24" height={24} width="100%" aria-hidden />;
  const low = Math.min(...known);
  const span = Math.max(...known) - low || 1;
  let pen = "M";
  const path = values
    .map((value, i) => {
      if (value === null) {
        pen = "M";
        return "";
      }
      const point = `${pen}${((i / (values.length - 1)) * 100).toFixed(2)} ${(22 - ((value - low) / span) * 20).toFixed(2)}`;
      pen = "L";
      return point;
    })
    .join("");
  return (
    <svg viewBox="0 0 100 24" height={24} width="100%" preserveAspectRatio="none" aria-hidden>
      <path d={path} fill="none" stroke={color} strokeWidth={1.5} vectorEffect="non-scaling-stroke" strokeLinejoin="round" />
    </svg>
  );
}
