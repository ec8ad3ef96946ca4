import { useDisclosure } from "@mantine/hooks";
import { lazy, type ReactNode, Suspense } from "react";
import { Outlet, useLocation, useNavigate } from "react-router";

import { StopBanner } from "@/guard/StopBanner";
import { LiveProvider } from "@/live/LiveProvider";
import { OverrideBanner } from "@/release/OverrideBanner";
import { ReleaseDialogs, useHeaderRollback } from "@/release/ReleaseDialogs";
import { useGenerator, useHref } from "@/scope/scope";
import { Gate } from "@/session/Gate";
import { Header } from "@/shell/Header";
import { BottomNav, SideNav } from "@/shell/Nav";
import { PLACES } from "@/shell/places";
import css from "@/shell/Shell.module.css";
import { useShortcut } from "@/shell/shortcuts";
import { useScrollPlace } from "@/shell/useScrollPlace";
import { Crash } from "@/ui/Crash";
import { Empty } from "@/ui/Empty";
import { Failure } from "@/ui/Notice";
import { NowProvider } from "@/ui/When";

const Help = lazy(() => import("@/shell/Help"));
const Palette = lazy(() => import("@/shell/Palette"));

export function Shell(): ReactNode {
  return (
    <Gate>
      <LiveProvider>
        <NowProvider>
          <ReleaseDialogs>
            <Frame />
          </ReleaseDialogs>
        </NowProvider>
      </LiveProvider>
    </Gate>
  );
}

function Frame(): ReactNode {
  const [help, helpPanel] = useDisclosure();
  const [palette, paletteDialog] = useDisclosure();
  useShortcut("?", helpPanel.open);
  useShortcut("mod+k", paletteDialog.open);
  return (
    <div className={css.shell}>
      <a href="#main" className="skip">Skip to the page</a>
      <SideNav />
      <div className={css.column}>
        <Header onHelp={helpPanel.open} />
        <main id="main" tabIndex={-1} className={css.main}>
          <StopBanner />
          <OverrideBanner />
          <Contents />
        </main>
      </div>
      <BottomNav />
      <Shortcuts />
      <Suspense>
        {help && <Help onClose={helpPanel.close} />}
        {palette && <Palette onClose={paletteDialog.close} />}
      </Suspense>
    </div>
  );
}

function Contents(): ReactNode {
  const { none, current, error } = useGenerator();
  const { pathname } = useLocation();
  useScrollPlace();
  if (none)
    return (
      <Empty icon="versions" title="No generator is registered yet" command="safelight register NAME ./checkpoint --manifest manifest.json">
        Register a checkpoint, promote it, and what it makes appears here.
      </Empty>
    );
  if (!current && error) return <Failure error={error} />;
  return <Crash key={pathname}><Suspense><Outlet /></Suspense></Crash>;
}

function Shortcuts(): ReactNode {
  const rollback = useHeaderRollback();
  useShortcut("R", () => rollback?.());
  return PLACES.map(({ path, key }) => <Chord key={key} keys={`g ${key}`} path={path} />);
}

function Chord({ keys, path }: { keys: string; path: string }): ReactNode {
  const navigate = useNavigate();
  const href = useHref();
  useShortcut(keys, () => void navigate(href(path)));
  return null;
}
