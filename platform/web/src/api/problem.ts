/** A refusal by the API (RFC 9457): `code` is stable, `message` says what to do next. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
    this.name = "Problem";
  }
}

const text = (value: unknown, otherwise: string): string => (typeof value === "string" && value ? value : otherwise);

/** What a failed response says, whatever stood between the page and the API. */
export function problemFrom(response: Response, body: unknown): Problem {
  const document = typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
  return new Problem(
    response.status,
    text(document["code"], `http_${response.status}`),
    text(document["detail"], `The server answered ${response.status} ${response.statusText}`.trim() + "."),
  );
}

/** True where trying again cannot help: the request itself is what the API refuses. */
export const isFinal = (error: unknown): boolean => error instanceof Problem && error.status >= 400 && error.status < 500;
