import createClient from "openapi-fetch";

import { Problem, problemFrom } from "@/api/problem";
import type { paths } from "@/api/schema";

/** The session is an HttpOnly, SameSite=Strict cookie; the header is what another site's form cannot send. */
export const client = createClient<paths>({
  baseUrl: "/",
  credentials: "same-origin",
  headers: { "X-Safelight": "1" },
});

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The answer's body, or a thrown `Problem`: a refusal, or a server that cannot be reached. */
export async function ask<T>(call: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>;
  try {
    answer = await call;
  } catch {
    throw new Problem(0, "unreachable", "Safelight's API cannot be reached from this browser.");
  }
  if (!answer.response.ok) throw problemFrom(answer.response, answer.error);
  return answer.data as T;
}
