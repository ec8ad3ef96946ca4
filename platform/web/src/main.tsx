import "@/theme/mantine.css";
import "@/theme/tokens.css";
import "@/theme/base.css";

import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode, Suspense } from "react";
import { createRoot } from "react-dom/client";

import { isFinal } from "@/api/problem";
import { Router } from "@/router";
import { cssVariables, theme } from "@/theme/theme";

const cache = new QueryClient({
  defaultOptions: { queries: { staleTime: 3000, retry: (failures, error) => !isFinal(error) && failures < 2 } },
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
