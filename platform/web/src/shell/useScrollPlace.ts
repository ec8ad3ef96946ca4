import { useLayoutEffect } from "react";
import { useLocation, useNavigationType } from "react-router";

/** Where one was on each page that one may go back to. */
const places = new Map<string, number>();

/** A page begins at its top; gone back to, where it was left. The browser tries before the page is drawn again. */
export function useScrollPlace(): void {
  const { pathname, key } = useLocation();
  const how = useNavigationType();
  // Before the browser lays the next page out: one that is shorter would be noted as the place that was left.
  useLayoutEffect(() => {
    const note = (): void => void places.set(key, window.scrollY);
    window.addEventListener("scroll", note, { passive: true });
    return () => window.removeEventListener("scroll", note);
  }, [key]);
  useLayoutEffect(() => {
    const place = how === "POP" ? places.get(key) : 0;
    if (place !== undefined) void window.scrollTo(0, place);
    // A filter or a tab is another address of the same page.
  }, [pathname]);
}
