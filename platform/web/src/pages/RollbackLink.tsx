import { Button, Stack, Textarea } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { type ReactNode, useEffect, useState } from "react";
import { Link, useLocation } from "react-router";

import { ask, client } from "@/api/client";
import type { RollbackLink as Found } from "@/api/types";
import css from "@/pages/Login.module.css";
import { Consequence } from "@/release/Consequence";
import { Icon } from "@/ui/Icon";
import { Load } from "@/ui/Load";
import { Failure, Notice } from "@/ui/Notice";
import { instant } from "@/ui/words";

/**
 * Where the link of a message leads. Opening it changes nothing: the button does, once. The token is in the fragment,
 * which no server sees; it is taken out of the address at once, and sent in the body of what is asked.
 */
export default function RollbackLink(): ReactNode {
  const { hash } = useLocation();
  const [token, setToken] = useState(() => hash.slice(1));
  const link = useQuery({
    queryKey: ["rollback-link", token],
    queryFn: () => ask(client.POST("/api/v1/rollback-links/look", { body: { token } })),
    enabled: token !== "",
    retry: false,
    refetchInterval: ({ state }) => (state.data?.state === "used" && outcome(state.data) === "busy" ? 1000 : false),
  });
  useEffect(() => {
    document.title = "Roll back · Safelight";
    // A second link opened in the same tab changes no more than the fragment, and the page is not loaded anew.
    if (hash) setToken(hash.slice(1));
    window.history.replaceState(window.history.state, "", window.location.pathname);
  }, [hash]);
  return (
    <main className={css.page}>
      <div className={css.card}>
        <img src="/lamp.svg" alt="" width={44} height={44} />
        <h1>Roll back</h1>
        {token === "" ? (
          <Notice tone="unknown" title="This address has no link in it">Open the link of the message again, or the incident on the dashboard.</Notice>
        ) : (
          <Load query={link} height={220}>{(found) => <Confirm key={token} found={found} token={token} again={() => void link.refetch()} />}</Load>
        )}
        <p className={css.hint}><Link to="/">Open the dashboard</Link></p>
      </div>
    </main>
  );
}

function Confirm({ found, token, again }: { found: Found; token: string; again: () => void }): ReactNode {
  const [reason, setReason] = useState("");
  const use = useMutation({
    mutationFn: () => ask(client.POST("/api/v1/rollback-links/use", { body: { token, reason } })),
    onSettled: again,
  });
  const { generator, from_version: from, to_version: to, state } = found;
  return (
    <Stack gap="sm">
      <p className={css.lead}>{found.title}</p>
      <Consequence from={from} to={to} fromNote={generator} toNote={found.warm ? "loaded: it takes about a second" : "not loaded: an engine has to load it first"} />
      {state === "open" ? (
        <>
          <Textarea label="Reason" description="It goes on the ledger." value={reason} autosize maxLength={2000} onChange={(event) => setReason(event.currentTarget.value)} />
          <Button fullWidth color="var(--bad-solid)" leftSection={<Icon name="rollback" size={15} />} loading={use.isPending} onClick={() => use.mutate()}>
            Roll {generator} back to v{to}
          </Button>
          <p className="muted">This link works once, until {instant(new Date(found.expires_at))}. Nothing has been changed by opening it.</p>
        </>
      ) : state === "used" ? (
        <Used found={found} />
      ) : (
        <Notice tone="warn" title="This link does nothing any more">{found.explanation}</Notice>
      )}
      {use.error && state === "open" && <Failure error={use.error} />}
    </Stack>
  );
}

const UNDER_WAY: ReadonlySet<Found["release_state"]> = new Set<Found["release_state"]>(["requested", "preparing", "verifying", "flipping"]);
const LOST: ReadonlySet<Found["release_state"]> = new Set<Found["release_state"]>(["failed", "aborted"]);

/** What became of the rollback. It is under way until the version serves, and it may fail. */
function outcome({ release_state: state }: Found): "busy" | "bad" | "warn" | "good" {
  return UNDER_WAY.has(state) ? "busy" : LOST.has(state) ? "bad" : state === "superseded" ? "warn" : "good";
}

function Used({ found }: { found: Found }): ReactNode {
  const { to_version: to, from_version: from, explanation } = found;
  switch (outcome(found)) {
    case "busy":
      return <Notice tone="busy" icon="clock" title={`Going back to v${to}`}>v{from} serves until v{to} is ready. {explanation}</Notice>;
    case "bad":
      return <Notice tone="bad" title={`v${to} could not be put in its place`}>What served before still serves. The dashboard says why. {explanation}</Notice>;
    case "warn":
      return <Notice tone="warn" title="A later release took its place">The dashboard says what serves. {explanation}</Notice>;
    case "good":
      return <Notice tone="good" icon="check" title={`Rolled back to v${to}`}>{explanation}</Notice>;
  }
}
