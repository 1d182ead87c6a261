/**
 * A webpack loader: mends two defects of the React that Next.js 15.5 brings for the browser (19.2.0-canary of August
 * 2025), with what React 19.3 does there. Remove it with Next.js 16; a build fails as soon as the text is another.
 *
 * - facebook/react#36134: the news that a page has come is lost while React is drawing. The old page stays.
 * - facebook/react#35210: a host element whose child arrives while it waits is begun again, with the cursor behind
 *   where it was. Hydration then fails on equal trees (error 418), and the page is drawn anew.
 */
const FIXES = [
  {
    of: "facebook/react#36134",
    broken:
      /\? 0 === \(executionContext & 2\) && prepareFreshStack\(root, 0\)\n\s+: \(workInProgressRootPingedLanes \|= pingedLanes\)/,
    mended: [
      "? 0 === (executionContext & 2)",
      "  ? prepareFreshStack(root, 0)",
      "  : (workInProgressRootPingedLanes |= pingedLanes)",
      ": (workInProgressRootPingedLanes |= pingedLanes)",
    ],
  },
  {
    of: "facebook/react#35210",
    broken: /case 5:\n\s+resetHooksOnUnwind\(next\);\n\s+default:\n\s+unwindInterruptedWork\(/,
    mended: [
      "case 5:",
      "  resetHooksOnUnwind(next);",
      "  if (next === hydrationParentFiber) {",
      "    popToNextHostParent(next);",
      "    if (!isHydrating) isHydrating = true;",
      "    else if (next.stateNode != null) nextHydratableInstance = next.stateNode;",
      "  }",
      "default:",
      "  unwindInterruptedWork(",
    ],
  },
];

/** @param {string} source of `react-dom-client.production.js` */
module.exports = function mendReact(source) {
  return FIXES.reduce((text, { of, broken, mended }) => {
    if (text.split(broken).length !== 2) {
      throw new Error(`What ${of} broke is not there exactly once: is this another React?`);
    }
    return text.replace(broken, () => mended.join("\n"));
  }, source);
};
