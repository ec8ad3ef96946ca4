import { Button, PasswordInput, Stack } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, type ReactNode, useCallback, useEffect, useRef, useState } from "react";
import { useLocation, useNavigate, useSearchParams } from "react-router";

import { ask, client } from "@/api/client";
import { sessionQuery } from "@/api/queries";
import css from "@/pages/Login.module.css";
import { Command } from "@/ui/Command";
import { Failure } from "@/ui/Notice";

/** Only a path of this page: a link must not be able to send somebody elsewhere after they log in. */
const destination = (next: string | null): string => (next && /^\/(?![/\\])/.test(next) ? next : "/");

/** By a one-time link, whose token is in the fragment and so in no server's log; or with an API key. */
export default function Login(): ReactNode {
  const { hash } = useLocation();
  const [search] = useSearchParams();
  const cache = useQueryClient();
  const navigate = useNavigate();
  const [key, setKey] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const next = destination(search.get("next"));

  const logIn = useCallback(
    async (body: { token: string } | { key: string }) => {
      setBusy(true);
      setError(null);
      try {
        const session = await ask(client.POST("/api/v1/session", { body }));
        cache.clear();
        cache.setQueryData(sessionQuery.queryKey, session);
        await navigate(next, { replace: true });
      } catch (refusal) {
        setError(refusal instanceof Error ? refusal : new Error(String(refusal)));
        setBusy(false);
      }
    },
    [cache, navigate, next],
  );

  const used = useRef(false);
  useEffect(() => {
    document.title = "Log in · Safelight";
    const token = new URLSearchParams(hash.slice(1)).get("token");
    if (!token || used.current) return;
    used.current = true; // it works once
    window.history.replaceState(window.history.state, "", window.location.pathname + window.location.search);
    void logIn({ token });
  }, [hash, logIn]);

  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (key.trim()) void logIn({ key: key.trim() });
  };

  return (
    <main className={css.page}>
      <div className={css.card}>
        <img src="/lamp.svg" alt="" width={44} height={44} />
        <h1>Safelight</h1>
        <p className={css.lead}>What serves, is it good, and the way back.</p>
        <form onSubmit={submit}>
          <Stack gap="sm">
            {error && <Failure error={error} />}
            <PasswordInput label="API key" autoComplete="current-password" value={key} autoFocus
              onChange={(event) => setKey(event.currentTarget.value)} />
            <Button type="submit" fullWidth loading={busy} disabled={!key.trim()}>Log in</Button>
          </Stack>
        </form>
        <p className={css.hint}>No key at hand? On the server, this prints a link that logs you in once:</p>
        <Command>safelight login</Command>
      </div>
    </main>
  );
}
