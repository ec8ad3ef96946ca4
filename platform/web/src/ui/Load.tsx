import { Skeleton } from "@mantine/core";
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";

import { Failure } from "@/ui/Notice";

interface Props<T> {
  query: UseQueryResult<T>;
  /** The height that the contents will about take, so that nothing jumps. */
  height?: number;
  children: (data: T) => ReactNode;
}

/** What a query brought, or that it failed, or that it is under way. Old data stays on the page under a failure. */
export function Load<T>({ query, height = 160, children }: Props<T>): ReactNode {
  const failure = query.error && <Failure error={query.error} retry={() => void query.refetch()} />;
  if (query.data === undefined)
    return failure || <Skeleton height={height} radius={8} aria-label="Loading" role="status" />;
  return (
    <>
      {failure}
      {children(query.data)}
    </>
  );
}
