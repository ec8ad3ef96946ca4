/** The API's reference, from the document that it serves. Swagger UI is built in: nothing is loaded from elsewhere. */
import "swagger-ui-dist/swagger-ui.css";
import "@/theme/tokens.css";
import "@/docs/docs.css";

import SwaggerUIBundle from "swagger-ui-dist/swagger-ui-es-bundle.js";

/** What the dashboard was set to (Mantine's own key), or else what the system prefers. */
const chosen = localStorage.getItem("mantine-color-scheme-value");
const dark = chosen === "dark" || (chosen !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
document.documentElement.classList.toggle("dark-mode", dark);
document.documentElement.style.colorScheme = dark ? "dark" : "light";

SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#api",
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: -1,
  validatorUrl: null,
  // "Try it out" uses the session of the dashboard: its cookie is not enough for a request that changes something.
  requestInterceptor: (request) => ({ ...request, headers: { ...request.headers, "X-Safelight": "1" } }),
});
