import { TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";

import { liveQuery } from "@/api/releasing";
import css from "@/release/LiveAt.module.css";
import { useParam } from "@/scope/scope";
import { timeZone } from "@/scope/timeRange";
import { Failure } from "@/ui/Notice";
import { VersionTag } from "@/ui/VersionTag";
import { When } from "@/ui/When";

const local = (date: Date): string => new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);

/** "What served at ten past three?", from the ledger. The moment is in the URL. */
export function LiveAt({ generator }: { generator: string }): ReactNode {
  const [at, setAt] = useParam("at");
  const moment = new Date(at);
  const asked = at !== "" && !Number.isNaN(moment.getTime());
  const { data, error } = useQuery({ ...liveQuery(generator, asked ? moment.toISOString() : ""), enabled: asked });
  return (
    <div className={css.ask}>
      <TextInput type="datetime-local" label={`What served at (${timeZone})`} value={asked ? local(moment) : ""}
        onChange={({ currentTarget: { value } }) => setAt(value ? new Date(value).toISOString() : null)} />
      <div className={css.answer} role="status">
        {error && <Failure error={error} />}
        {data && (data.version === null ? "Nothing served then." : (
          <>
            <VersionTag version={data.version} link />
            {data.entry && <span className="soft">since <When at={data.entry.at} clock />, by {data.entry.actor}{data.entry.reason && `: ${data.entry.reason}`}</span>}
          </>
        ))}
      </div>
    </div>
  );
}
