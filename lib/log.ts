import pino from "pino";

export type Logger = pino.Logger;

const LEVELS = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;

/** Credentials that could ride along in an object that is logged whole. */
const REDACTED_KEYS = [
  "password",
  "passwordHash",
  "secret",
  "token",
  "cookie",
  "authorization",
  "connectionString",
  "url",
  "readUrl",
  "writeUrl",
  "directUrl",
  "redisUrl",
] as const;

/**
 * What a database adds to an error quotes rows: a violated constraint's detail holds all of one. Of a
 * connection that was lost, pg's pool adds the whole client.
 */
const NOT_LOGGED = ["detail", "where", "internalQuery", "parameters", "client"] as const;

/** User and password of a URL inside a longer text, such as a driver's error message. */
const URL_CREDENTIALS = /\b([a-z][a-z0-9+.-]*:\/\/)[^\s/@]+@/gi;

export function maskCredentials(text: string): string {
  return text.replace(URL_CREDENTIALS, "$1***@");
}

export interface LoggerOptions {
  region?: string;
  component?: string;
  level?: string;
  /** Where lines go; stdout without it. */
  destination?: pino.DestinationStream;
}

function parseLevel(value: string | undefined): string {
  return LEVELS.find((level) => level === value) ?? "info";
}

/**
 * JSON lines to stdout. No transports: their worker threads do not survive bundling, and whatever
 * runs the process collects stdout anyway. The level is read from LOG_LEVEL directly, not from
 * lib/env.ts, so that a broken environment can still be reported.
 */
export function createLogger(options: LoggerOptions = {}): Logger {
  const bindings: Record<string, string> = {};
  if (options.region) bindings.region = options.region;
  if (options.component) bindings.component = options.component;
  const settings: pino.LoggerOptions = {
    base: bindings,
    level: parseLevel(options.level ?? process.env.LOG_LEVEL),
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: {
      paths: REDACTED_KEYS.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]),
      censor: "[redacted]",
    },
    serializers: {
      err: (error: Error) => {
        const serialized = pino.stdSerializers.err(error);
        serialized.message = maskCredentials(serialized.message);
        serialized.stack = maskCredentials(serialized.stack);
        for (const key of NOT_LOGGED) delete serialized[key];
        return serialized;
      },
    },
  };
  return options.destination ? pino(settings, options.destination) : pino(settings);
}

let shared: Logger | undefined;

/** The process's logger, bound to CURRENT_REGION when that is set. */
export function getLogger(component?: string): Logger {
  shared ??= createLogger({ region: process.env.CURRENT_REGION });
  return component ? shared.child({ component }) : shared;
}
