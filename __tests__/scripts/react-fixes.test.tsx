import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type * as ReactModule from "react";
import type { ReactNode } from "react";
import type * as ClientModule from "react-dom/client";
import { describe, expect, it, vi } from "vitest";

const load = createRequire(import.meta.url);
const mendReact = load("../../scripts/build/react-fixes.cjs") as (source: string) => string;

const CLIENT = "next/dist/compiled/react-dom/cjs/react-dom-client.production.js";
const PRODUCTION: Record<string, string> = {
  "next/dist/compiled/react": "next/dist/compiled/react/cjs/react.production.js",
  "next/dist/compiled/react-dom": "next/dist/compiled/react-dom/cjs/react-dom.production.js",
  "next/dist/compiled/scheduler": "next/dist/compiled/scheduler/cjs/scheduler.production.js",
};

type React = typeof ReactModule;
type Client = typeof ClientModule;

/** A module of the production build: what it requires is of that build too. */
function run(source: string): unknown {
  const exports = {};
  new Function("exports", "require", "process", source)(exports, required, {
    env: { NODE_ENV: "production" },
  });
  return exports;
}

const loaded = new Map<string, unknown>();

function required(name: string): unknown {
  const file = PRODUCTION[name];
  if (!file) return load(name);
  if (!loaded.has(file)) loaded.set(file, run(textOf(file)));
  return loaded.get(file);
}

function textOf(file: string): string {
  return readFileSync(load.resolve(file), "utf8");
}

const HTML = '<div><p>before</p><div id="t"><section>child</section></div><p>after</p></div>';

/** Hydrates a page whose child arrives while React waits for it; returns what React had to recover from. */
async function hydrate(source: string): Promise<unknown[]> {
  const { createElement: h } = required("next/dist/compiled/react") as React;
  const { hydrateRoot } = run(source) as Client;
  const { startTransition } = required("next/dist/compiled/react") as React;
  const container = document.body.appendChild(document.createElement("div"));
  container.innerHTML = HTML;
  const recovered: unknown[] = [];
  const tree = h(
    "div",
    null,
    h("p", null, "before"),
    h("div", { id: "t" }, lateNode(h("section", null, "child"))),
    h("p", null, "after"),
  );
  startTransition(() => {
    hydrateRoot(container, tree, { onRecoverableError: (error) => recovered.push(error) });
  });
  await vi.waitFor(() => {
    const names = Object.keys(container.querySelector("section") ?? {});
    expect(names.some((name) => name.startsWith("__reactFiber$"))).toBe(true);
  });
  expect(container.innerHTML).toBe(HTML);
  return recovered;
}

/** What the row of a server component is to the one above it: a lazy node. Its content comes right after it was asked for. */
function lateNode(node: ReactNode): ReactNode {
  const waiting: ((value: unknown) => void)[] = [];
  const row = {
    status: "pending",
    value: undefined as ReactNode,
    then(resolve: (value: unknown) => void) {
      if (row.status === "pending") waiting.push(resolve);
      else resolve(node);
    },
  };
  function come() {
    Object.assign(row, { status: "fulfilled", value: node });
    for (const resolve of waiting) resolve(node);
  }
  return {
    $$typeof: Symbol.for("react.lazy"),
    _payload: row,
    _init() {
      if (row.status === "fulfilled") return row.value;
      queueMicrotask(come);
      // What is thrown to React for it to wait for.
      throw row as unknown as Error;
    },
  } as unknown as ReactNode;
}

describe("the React that Next.js brings", () => {
  it("fails to hydrate an equal page whose child arrives late: when this no longer fails, mend nothing", async () => {
    const recovered = await hydrate(textOf(CLIENT));
    expect(String(recovered[0])).toContain("#418");
  });

  it("hydrates it when mended", async () => {
    expect(await hydrate(mendReact(textOf(CLIENT)))).toEqual([]);
  });

  it("is not mended twice, nor where it is another", () => {
    expect(() => mendReact(mendReact(textOf(CLIENT)))).toThrow(/another React/);
    expect(() => mendReact("")).toThrow(/another React/);
  });
});
