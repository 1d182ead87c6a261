/**
 * Root of every error this project throws on purpose. `code` is stable and safe to show or match
 * on; `data` is JSON-safe and must never hold a secret, an endpoint or a row's content.
 */
export class MeridianError extends Error {
  readonly code: string;
  readonly data: Readonly<Record<string, unknown>>;

  constructor(
    code: string,
    message: string,
    options: { data?: Record<string, unknown>; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.data = options.data ?? {};
  }
}

/** The environment or a configuration file is missing something or holds a malformed value. */
export class ConfigurationError extends MeridianError {
  constructor(
    message: string,
    options: {
      variables?: readonly string[];
      data?: Record<string, unknown>;
      cause?: unknown;
    } = {},
  ) {
    super("configuration", message, {
      data: { ...options.data, variables: options.variables ?? [] },
      cause: options.cause,
    });
  }
}

/** A region id that the configuration does not know. */
export class UnknownRegionError extends MeridianError {
  constructor(value: string, known: readonly string[]) {
    // The value may come from a request: cut it, so that a hostile one cannot flood a log.
    const shown = value.length > 40 ? `${value.slice(0, 40)}…` : value;
    super("unknown-region", `Unknown region "${shown}": expected one of ${known.join(", ")}.`, {
      data: { value: shown, known },
    });
  }
}

/** The name of an entity that is not replicated. */
export class UnknownEntityError extends MeridianError {
  constructor(value: string) {
    super("unknown-entity", `"${value.slice(0, 40)}" is not a replicated entity.`);
  }
}

/** The message of anything that was thrown, for logs and reports. */
export function errorMessage(error: unknown): string {
  if (error instanceof AggregateError && error.message === "") {
    // Node's "connect ECONNREFUSED" to a name with several addresses has no message of its own.
    return error.errors.map(errorMessage).join("; ");
  }
  return error instanceof Error ? error.message : String(error);
}
