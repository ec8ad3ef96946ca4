import { createContext, lazy, type ReactNode, Suspense, useCallback, useContext, useEffect, useMemo, useState } from "react";

import { useGenerator } from "@/scope/scope";

const loadRollback = () => import("@/release/RollbackDialog");
const RollbackDialog = lazy(loadRollback);
const PromoteDialog = lazy(() => import("@/release/PromoteDialog"));

/** What a dialog was opened for. It is taken once, at opening: what the button said is what gets asked for. */
export interface RollbackRequest {
  generator: string;
  serving: number;
  target: number;
  incidentId?: string;
  reason?: string;
}

export interface PromoteRequest {
  generator: string;
  serving: number | null;
  version: number;
}

interface Dialogs {
  rollback: (request: RollbackRequest) => void;
  promote: (request: PromoteRequest) => void;
}

const DialogsContext = createContext<Dialogs | null>(null);

export function useReleaseDialogs(): Dialogs {
  const dialogs = useContext(DialogsContext);
  if (!dialogs) throw new Error("useReleaseDialogs is used outside ReleaseDialogs");
  return dialogs;
}

/** Opens the rollback of the header: what serves now, to the last known good. Undefined where there is none. */
export function useHeaderRollback(): (() => void) | undefined {
  const { current } = useGenerator();
  const { rollback } = useReleaseDialogs();
  const serving = current?.serving?.version;
  const target = current?.rollback_target?.version;
  if (!current || serving === undefined || target === undefined) return undefined;
  return () => rollback({ generator: current.name, serving, target });
}

export function ReleaseDialogs({ children }: { children: ReactNode }): ReactNode {
  const [back, setBack] = useState<RollbackRequest | null>(null);
  const [forward, setForward] = useState<PromoteRequest | null>(null);
  const rollback = useCallback((request: RollbackRequest) => setBack((open) => open ?? request), []);
  const promote = useCallback((request: PromoteRequest) => setForward((open) => open ?? request), []);
  // The way back must not wait for, or fail over, a download at the moment it is needed.
  useEffect(() => void loadRollback(), []);
  const dialogs = useMemo(() => ({ rollback, promote }), [rollback, promote]);
  return (
    <DialogsContext value={dialogs}>
      {children}
      <Suspense>
        {back && <RollbackDialog request={back} onClose={() => setBack(null)} />}
        {forward && <PromoteDialog request={forward} onClose={() => setForward(null)} />}
      </Suspense>
    </DialogsContext>
  );
}
