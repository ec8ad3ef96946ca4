import { Menu } from "@mantine/core";
import type { ReactNode } from "react";
import { Link, NavLink, useLocation } from "react-router";

import { useGenerator, useHref } from "@/scope/scope";
import css from "@/shell/Nav.module.css";
import { FIRST_PLACES, type Place, PLACES } from "@/shell/places";
import { Icon } from "@/ui/Icon";

/** At the side where there is room; a phone gets the bottom bar below. */
export function SideNav(): ReactNode {
  const href = useHref();
  return (
    <nav aria-label="Pages" className={css.side}>
      <Link to={href("/")} className={css.brand}>
        <img src="/lamp.svg" alt="" width={26} height={26} />
        Safelight
      </Link>
      {PLACES.map((place) => <Entry key={place.path} place={place} />)}
    </nav>
  );
}

export function BottomNav(): ReactNode {
  const { pathname } = useLocation();
  const href = useHref();
  const rest = PLACES.slice(FIRST_PLACES);
  return (
    <nav aria-label="Pages" className={css.bottom}>
      {PLACES.slice(0, FIRST_PLACES).map((place) => <Entry key={place.path} place={place} />)}
      <Menu position="top-end" width={200}>
        <Menu.Target>
          <button type="button" className={css.entry} data-within={rest.some(({ path }) => pathname.startsWith(path)) || undefined}>
            <Icon name="more" size={18} />
            <span>More</span>
          </button>
        </Menu.Target>
        <Menu.Dropdown>
          {rest.map(({ path, name, icon }) => (
            <Menu.Item key={path} component={Link} to={href(path)} leftSection={<Icon name={icon} />} py={10}>{name}</Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
    </nav>
  );
}

function Entry({ place: { path, name, icon } }: { place: Place }): ReactNode {
  const href = useHref();
  const open = useGenerator().current?.open_incidents ?? 0;
  return (
    <NavLink to={href(path)} end={path === "/"} className={css.entry}>
      <Icon name={icon} size={18} />
      <span>{name}</span>
      {path === "/incidents" && open > 0 && (
        <span className={css.count}>{open}<span className="visually-hidden"> open</span></span>
      )}
    </NavLink>
  );
}
