import { afterEach, beforeEach } from "vitest";
import { PATIENCE } from "./serverless";

/** Of one test: everything it waits for gives up sooner and says what it was. */
export const TEST_TIMEOUT_MS = PATIENCE * 90_000;

/** For a describe whose tests are steps: after one that fails, the rest would only fail too. */
export function stepsInOrder(): void {
  let failed = false;
  beforeEach((context) => context.skip(failed, "an earlier step failed"));
  afterEach(({ task }) => {
    failed ||= task.result?.state === "fail";
  });
}
