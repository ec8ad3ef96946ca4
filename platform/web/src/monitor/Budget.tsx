import type { ReactNode } from "react";
import { Link } from "react-router";

import type { Monitor } from "@/api/types";
import css from "@/monitor/Budget.module.css";
import { useHref } from "@/scope/scope";
import { Facts } from "@/ui/Facts";
import { Panel } from "@/ui/Panel";
import { figure, humanise, monthly, oneIn } from "@/ui/words";

const spends = ({ budget }: Monitor): number => budget?.false_alarms_per_month ?? 0;

/** The generator's budget for false alarms, and which monitor may use up how much of it. */
export function Budget({ monitors }: { monitors: Monitor[] }): ReactNode {
  const href = useHref();
  const spenders = monitors.filter((one) => spends(one) > 0).toSorted((a, b) => spends(b) - spends(a));
  const total = spenders.reduce((sum, one) => sum + spends(one), 0);
  const raised = monitors.reduce((sum, { budget }) => sum + (budget?.alarms_30d ?? 0), 0);
  const wrong = monitors.reduce((sum, { budget }) => sum + (budget?.wrong_30d ?? 0), 0);
  if (total === 0) return null;
  return (
    <Panel title="Budget for false alarms" aside={`${raised} ${raised === 1 ? "alarm" : "alarms"} in the last 30 days${wrong > 0 ? `, ${wrong} of them called wrong` : ", false or not"}`}>
      <p className={css.promise}>{promise(total)}</p>
      <ul className={css.bar}>
        {spenders.map((one) => (
          <li key={one.name} style={{ flexGrow: spends(one) }}>
            <Link to={href(`/monitors/${encodeURIComponent(one.name)}`)} className={css.part}>
              <span className={css.name}>{humanise(one.name)}</span>
              <span className={css.often}>{monthly(spends(one))}</span>
            </Link>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

const promise = (total: number): string =>
  total > 0.95
    ? `With nothing wrong, a month is expected to show at most ${total < 1.05 ? "one alarm" : `${figure(total)} alarms`}, all monitors and all parts of the traffic together.`
    : `With nothing wrong, at most ${monthly(total).replace("one", "one alarm")} is expected, all monitors and all parts of the traffic together.`;

const rounded = (n: number): string => n.toLocaleString("en", { notation: "compact", compactDisplay: "long", maximumSignificantDigits: 2 });

/** One monitor's part of it, in words and figures. */
export function Account({ monitor: { budget, critical } }: { monitor: Monitor }): ReactNode {
  if (!budget)
    return <Panel title="Budget for false alarms"><p className="soft">It has no question at present and spends nothing: what serves has nothing for it to look at yet.</p></Panel>;
  const { false_alarms_per_month, comparisons_per_month, alpha, slices, alarms_30d, right_30d, wrong_30d } = budget;
  return (
    <Panel title="Budget for false alarms">
      <Facts of={[
        ["Expected at most", critical ? `${monthly(false_alarms_per_month)}, with nothing wrong` : "none: it informs and wakes nobody"],
        ["Raised", `${alarms_30d} in the last 30 days${alarms_30d > 0 ? `: ${right_30d} called right, ${wrong_30d} called wrong, ${alarms_30d - right_30d - wrong_30d} not judged` : ""}`],
        ["Compares", `${rounded(comparisons_per_month)} times a month, each at ${oneIn(1 / alpha)}`],
        ["Looks at", slices > 1 ? `all traffic, and ${slices - 1} ${slices === 2 ? "part" : "parts"} of it alone` : "all traffic"],
      ]} />
    </Panel>
  );
}
