import { afterAll, beforeAll, beforeEach } from "vitest";
import { accessibilitySuite } from "./suites/accessibility";
import { conflictsSuite } from "./suites/conflicts";
import { contentSuite } from "./suites/content";
import { deadLettersSuite } from "./suites/dead-letters";
import { documentsAppSuite } from "./suites/documents-app";
import { doorsSuite } from "./suites/doors";
import { inventorySuite } from "./suites/inventory";
import { labSuite } from "./suites/lab";
import { leaderboardSuite } from "./suites/leaderboard";
import { leadershipSuite } from "./suites/leadership";
import { liveTextSuite } from "./suites/live-text";
import { ordersSuite } from "./suites/orders";
import { refusalsSuite } from "./suites/refusals";
import { regionsSuite } from "./suites/regions";
import { residencySuite } from "./suites/residency";
import { sessionsSuite } from "./suites/sessions";
import { storySuite } from "./suites/story";
import { watchingSuite } from "./suites/watching";
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
sessionsSuite();
withoutScriptSuite();
documentsAppSuite();
liveTextSuite();
inventorySuite();
leaderboardSuite();
ordersSuite();
contentSuite();
conflictsSuite();
deadLettersSuite();
leadershipSuite();
watchingSuite();
labSuite();
accessibilitySuite();
doorsSuite();
regionsSuite();
residencySuite();
