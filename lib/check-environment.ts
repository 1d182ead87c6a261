import { getEnv } from "@/lib/env";
import { ConfigurationError } from "@/lib/errors";

/** A server with a broken environment must not serve: it says what is missing and ends. */
export function checkEnvironment(): void {
  try {
    getEnv();
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    console.error(error.message);
    process.exit(1);
  }
}
