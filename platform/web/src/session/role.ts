import { useQuery } from "@tanstack/react-query";

import { sessionQuery } from "@/api/queries";
import type { Role } from "@/api/types";

/** What a role may do on the page. The API decides; the page only does not offer what it would refuse. */
const MAY: Record<Role, ReadonlySet<Permission>> = {
  viewer: new Set(["read"]),
  client: new Set(["generate"]),
  operator: new Set(["read", "generate", "operate"]),
  admin: new Set(["read", "generate", "operate", "administer"]),
};
export type Permission = "read" | "generate" | "operate" | "administer";

export function useMay(permission: Permission): boolean {
  const { data } = useQuery(sessionQuery);
  return data !== undefined && MAY[data.role].has(permission);
}
