/** No workers run, and each request waits for a process of its own to start. */
export const SERVERLESS = process.env.MERIDIAN_TEST_SERVERLESS === "1";

/** How much longer than usual something may take that asks for pages. */
export const PATIENCE = SERVERLESS ? 4 : 1;
