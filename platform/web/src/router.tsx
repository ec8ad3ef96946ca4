import { lazy, type ReactNode } from "react";
import { BrowserRouter, Link, Route, Routes } from "react-router";

import { Shell } from "@/shell/Shell";
import { Crash } from "@/ui/Crash";
import { PageHead } from "@/ui/PageHead";

// Every page is a chunk of its own: the first screen does not pay for the others.
const Login = lazy(() => import("@/pages/Login"));
const RollbackLink = lazy(() => import("@/pages/RollbackLink"));
const Overview = lazy(() => import("@/pages/Overview"));
const Generations = lazy(() => import("@/pages/Generations"));
const Generation = lazy(() => import("@/pages/Generation"));
const Monitors = lazy(() => import("@/pages/Monitors"));
const Monitor = lazy(() => import("@/pages/Monitor"));
const Probes = lazy(() => import("@/pages/Probes"));
const ProbeRun = lazy(() => import("@/pages/ProbeRun"));
const Compare = lazy(() => import("@/pages/Compare"));
const Baselines = lazy(() => import("@/pages/Baselines"));
const Baseline = lazy(() => import("@/pages/Baseline"));
const Reports = lazy(() => import("@/pages/Reports"));
const Report = lazy(() => import("@/pages/Report"));
const Attributes = lazy(() => import("@/pages/Attributes"));
const Backfills = lazy(() => import("@/pages/Backfills"));
const Jobs = lazy(() => import("@/pages/Jobs"));
const Versions = lazy(() => import("@/pages/Versions"));
const Version = lazy(() => import("@/pages/Version"));
const Releases = lazy(() => import("@/pages/Releases"));
const Release = lazy(() => import("@/pages/Release"));
const Incidents = lazy(() => import("@/pages/Incidents"));
const Incident = lazy(() => import("@/pages/Incident"));
const Audit = lazy(() => import("@/pages/Audit"));
const Settings = lazy(() => import("@/pages/Settings"));

export function Router(): ReactNode {
  return (
    <Crash>
      <BrowserRouter>
        <Routes>
          <Route path="/login" element={<Login />} />
          <Route path="/rollback" element={<RollbackLink />} />
          <Route path="/" element={<Shell />}>
            <Route index element={<Overview />} />
            <Route path="generations" element={<Generations />} />
            <Route path="generations/:id" element={<Generation />} />
            <Route path="monitors" element={<Monitors />} />
            <Route path="monitors/:name" element={<Monitor />} />
            <Route path="probes" element={<Probes />} />
            <Route path="probes/:id" element={<ProbeRun />} />
            <Route path="compare" element={<Compare />} />
            <Route path="baselines" element={<Baselines />} />
            <Route path="baselines/:id" element={<Baseline />} />
            <Route path="reports" element={<Reports />} />
            <Route path="reports/:id" element={<Report />} />
            <Route path="attributes" element={<Attributes />} />
            <Route path="backfills" element={<Backfills />} />
            <Route path="jobs" element={<Jobs />} />
            <Route path="versions" element={<Versions />} />
            <Route path="versions/:number" element={<Version />} />
            <Route path="releases" element={<Releases />} />
            <Route path="releases/:id" element={<Release />} />
            <Route path="incidents" element={<Incidents />} />
            <Route path="incidents/:id" element={<Incident />} />
            <Route path="audit" element={<Audit />} />
            <Route path="settings/:tab?" element={<Settings />} />
            <Route path="*" element={<Nowhere />} />
          </Route>
        </Routes>
      </BrowserRouter>
    </Crash>
  );
}

const Nowhere = (): ReactNode => (
  <>
    <PageHead title="There is no such page" />
    <p><Link to="/">Go to the overview</Link></p>
  </>
);
