import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const here = (path: string): string => decodeURIComponent(new URL(path, import.meta.url).pathname);

export default defineConfig({
  base: "/",
  plugins: [react()],
  resolve: { alias: { "@": here("./src") } },
  build: {
    outDir: here("../safelight/page"),
    emptyOutDir: true,
    target: "es2023",
    // light-dark() is used as written: these are the first browsers that know it.
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    chunkSizeWarningLimit: 700, // ECharts, which is loaded after the page stands
  },
  server: { proxy: { "/api": "http://127.0.0.1:8484" } },
});
