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
    license: { fileName: "licences.md" }, // of everything that is bundled: their authors ask for it
    target: "es2023",
    // light-dark() is used as written: these are the first browsers that know it.
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    rolldownOptions: { input: { index: here("./index.html"), docs: here("./docs.html") } },
    chunkSizeWarningLimit: 1800, // Swagger UI, on a page of its own; ECharts, which is loaded after the page stands
  },
  server: { proxy: { "/api": "http://127.0.0.1:8484" } },
});
