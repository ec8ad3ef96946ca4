import "@/theme/mantine.css";
import "@/theme/tokens.css";
import "@/theme/base.css";

import { MantineProvider } from "@mantine/core";
import { MutationCache, QueryCache, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode, Suspense } from "react";
import { createRoot } from "react-dom/client";

import { isFinal, Problem } from "@/api/problem";
import { sessionQuery } from "@/api/queries";
import { Router } from "@/router";
import { cssVariables, theme } from "@/theme/theme";

/** A session that has ended is noticed by whatever is asked first; the gate then leads to the login and back. */
const onError = (error: Error): void => {
  if (error instanceof Problem && error.status === 401) void cache.invalidateQueries({ queryKey: sessionQuery.queryKey });
};

const cache: QueryClient = new QueryClient({
  queryCache: new QueryCache({ onError: (error, { queryKey }) => queryKey[0] !== "session" && onError(error) }),
  mutationCache: new MutationCache({ onError }),
  // Asked for at once or not at all: what waited for a network would be done minutes after somebody pressed a button.
  defaultOptions: {
    queries: { staleTime: 3000, networkMode: "always", refetchOnReconnect: true, retry: (failures, error) => !isFinal(error) && failures < 2 },
    mutations: { networkMode: "always" },
  },
});

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <MantineProvider theme={theme} cssVariablesResolver={cssVariables} defaultColorScheme="auto">
      <QueryClientProvider client={cache}>
        <Suspense><Router /></Suspense>
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
