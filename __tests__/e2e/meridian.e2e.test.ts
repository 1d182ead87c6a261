import { afterAll, beforeAll, beforeEach } from "vitest";
import { accessibilitySuite } from "./suites/accessibility";
import { conflictsSuite } from "./suites/conflicts";
import { deadLettersSuite } from "./suites/dead-letters";
import { leadershipSuite } from "./suites/leadership";
import { liveTextSuite } from "./suites/live-text";
import { refusalsSuite } from "./suites/refusals";
import { regionsSuite } from "./suites/regions";
import { storySuite } from "./suites/story";
import { withoutScriptSuite } from "./suites/without-script";
import { shootAll } from "./support/visitor";
import { startWorld, stopWorld } from "./support/world";

/** Includes a production build and, at first, fetching Chromium. */
const START_TIMEOUT_MS = 400_000;

/*
 * One file, so that one planet serves all: five programs and three databases are too much to
 * start for each. Suites leave the planet as they found it; each has accounts of its own.
 */
beforeAll(startWorld, START_TIMEOUT_MS);
afterAll(stopWorld, 60_000);

beforeEach(({ task, onTestFailed }) => onTestFailed(() => shootAll(task.name)));

storySuite();
refusalsSuite();
withoutScriptSuite();
liveTextSuite();
conflictsSuite();
deadLettersSuite();
leadershipSuite();
accessibilitySuite();
regionsSuite();
