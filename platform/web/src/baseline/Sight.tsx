import type { ReactNode } from "react";

import type { BaselineDetail } from "@/api/types";
import { SightChart } from "@/baseline/SightChart";
import { Notice } from "@/ui/Notice";
import { Panel } from "@/ui/Panel";
import { count, figure, oneIn } from "@/ui/words";

/** How small a change can be and still be seen: what a small baseline costs is shown, not hidden. */
export function Sight({ baseline: { sight, n } }: { baseline: BaselineDetail }): ReactNode {
  return (
    <Panel title="The smallest change it can see" aside={sight && `at ${oneIn(1 / sight.alpha)} a comparison`}>
      {sight ? (
        <>
          <SightChart points={sight.points} floor={sight.floor} />
          <p className="soft" style={{ maxWidth: "78ch", textWrap: "pretty" }}>
            A mean departure of images, given their prompts, is found with even odds from the curve upwards. Under {figure(sight.floor)} standard
            deviations nothing is found, however long the window: the baseline itself is not surer than that. {half(sight.half_needs, n)}
          </p>
        </>
      ) : (
        <Notice tone="warn">This release cannot read the lens of this baseline: monitors that need it cannot tell. Make it anew.</Notice>
      )}
    </Panel>
  );
}

const half = (needed: number, n: number): string => `It rests on ${count(n)} images; one of ${count(needed)} would see half of that.`;
