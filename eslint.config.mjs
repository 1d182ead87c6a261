import path from "node:path";
import { fileURLToPath } from "node:url";
import { FlatCompat } from "@eslint/eslintrc";

const compat = new FlatCompat({ baseDirectory: path.dirname(fileURLToPath(import.meta.url)) });

/** A parent's file by its relative path would slip past the patterns below. */
const PARENTS = { group: ["../*"], message: "Import through the alias @/." };
const TOOLS = {
  group: ["@/scripts/*", "@/__tests__/*"],
  message: "Tools are not part of the app.",
};
const NEXT = {
  group: ["next", "next/*", "server-only"],
  message: "Only app/, components/, lib/auth and lib/request-context.ts know of Next.js.",
};
const PAGES = {
  group: ["@/app/*", "@/components/*"],
  message: "lib/ does not know who shows what it returns.",
};
const VIEWS = { ...PAGES, group: ["react", "react-dom", "react-dom/*", ...PAGES.group] };
const STORES = {
  group: ["pg", "ioredis", "@prisma/*", "@/lib/generated/*", "@/lib/db/*"],
  allowTypeImports: true,
  message: "Components get data as props; only the types of the stores may be imported.",
};
const DOMAIN = {
  group: ["@/lib/documents/*", "@/lib/auth/*", "@/lib/request-context"],
  message: "lib/db serves any domain and knows none.",
};
const ABOVE_PRIMITIVES = {
  group: [...DOMAIN.group, "@/lib/db/*", "@/lib/generated/*", "pg", "ioredis"],
  message: "Primitives import nothing that is built on them.",
};
const IO = {
  group: ["pg", "ioredis", "@prisma/*", "@/lib/generated/*", "@/lib/env", "node:net", "node:fs*"],
  allowTypeImports: true,
  message: "This file decides and does no I/O: facts come in as arguments.",
};

/** The last of these that matches a file is the one that counts, so each lists all its groups. */
function imports(files, ...patterns) {
  return {
    files: files.flatMap((file) => (/\.\w+$/.test(file) ? [file] : [`${file}.ts`, `${file}.tsx`])),
    rules: {
      "@typescript-eslint/no-restricted-imports": ["error", { patterns: [PARENTS, ...patterns] }],
    },
  };
}

const config = [
  {
    ignores: [
      ".next*/**",
      ".local/**",
      ".cache/**",
      "artifacts/**",
      "coverage/**",
      "lib/generated/**",
      "next-env.d.ts",
    ],
  },
  ...compat.extends("next/core-web-vitals", "next/typescript"),
  {
    files: ["**/*.ts", "**/*.tsx"],
    rules: {
      eqeqeq: ["error", "smart"],
      "@typescript-eslint/consistent-type-imports": ["error", { fixStyle: "inline-type-imports" }],
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/no-unused-vars": [
        "error",
        { argsIgnorePattern: "^_", varsIgnorePattern: "^_", caughtErrors: "none" },
      ],
    },
  },
  {
    // Logs go through lib/log.ts; console.error is for what stops the start.
    files: ["lib/**/*.ts", "app/**/*.{ts,tsx}", "components/**/*.{ts,tsx}"],
    rules: { "no-console": ["error", { allow: ["error"] }] },
  },
  imports(["__tests__/**/*", "scripts/**/*"]),
  imports(["app/**/*"], TOOLS),
  imports(["components/**/*"], TOOLS, STORES),
  imports(["lib/**/*"], TOOLS, NEXT, VIEWS),
  imports(["lib/auth/**/*", "lib/request-context.ts"], TOOLS, PAGES),
  imports(["lib/db/**/*"], TOOLS, NEXT, VIEWS, DOMAIN),
  imports(
    [
      "lib/alarms/{clocks,decide,region-alarms}.ts",
      "lib/events/join.ts",
      "lib/db/metrics/series.ts",
      "lib/db/conflicts/{hlc,vector-clock}.ts",
      "lib/db/failover/decide.ts",
      "lib/db/leaderless/decide-quorum-read.ts",
      "lib/db/regions/{distance,region-id}.ts",
      "lib/db/replication/batch.ts",
      "lib/db/sessions/{positions,route-read,token}.ts",
    ],
    TOOLS,
    NEXT,
    VIEWS,
    DOMAIN,
    IO,
  ),
  imports(
    [
      "lib/{clock,env,errors,failpoints,log,policy-defaults,region-catalogue,service,vercel-regions}.ts",
    ],
    TOOLS,
    NEXT,
    VIEWS,
    ABOVE_PRIMITIVES,
  ),
];

export default config;
