import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Navigate, useLocation } from "react-router";

import { Problem } from "@/api/problem";
import { sessionQuery } from "@/api/queries";
import { Failure, Notice } from "@/ui/Notice";

/** Lets through who is logged in and may read; sends everybody else to the login, which brings them back here. */
export function Gate({ children }: { children: ReactNode }): ReactNode {
  const session = useQuery(sessionQuery);
  const { pathname, search, hash } = useLocation();
  if (session.error instanceof Problem && session.error.status === 401)
    return <Navigate replace to={`/login?next=${encodeURIComponent(pathname + search + hash)}`} />;
  if (session.data?.role === "client")
    return (
      <Aside>
        <Notice tone="warn" icon="lock" title="This key makes images; it does not read them">
          Log in with a viewer's, operator's or admin's key to see the dashboard.
        </Notice>
      </Aside>
    );
  if (session.data) return children;
  return session.error ? <Aside><Failure error={session.error} retry={() => void session.refetch()} /></Aside> : null;
}

const Aside = ({ children }: { children: ReactNode }): ReactNode => (
  <main style={{ maxWidth: 480, margin: "20vh auto 0", padding: 16 }}>{children}</main>
);
