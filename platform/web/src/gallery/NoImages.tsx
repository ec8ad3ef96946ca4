import type { ReactNode } from "react";

import { Empty } from "@/ui/Empty";

/** Nothing has been made yet, and how to make the first image. */
export function NoImages({ generator }: { generator: string }): ReactNode {
  const body = JSON.stringify({ generator, prompt: "a red car" });
  return (
    <Empty icon="images" title="No image has been made yet"
      command={`curl ${window.location.origin}/api/v1/generations -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" -d '${body}'`}>
      Requests to {generator} appear here seconds after they are served. Make a key on the settings page.
    </Empty>
  );
}
