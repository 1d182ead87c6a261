import path from "node:path";
import type { NextConfig } from "next";
import { DATA_POLICY } from "./lib/content-security-policy";

const TWO_YEARS_SECONDS = 63_072_000;

/** Of a build that is profiled: functions keep their names, and a map says of which file each is. */
const READABLE = process.env.MERIDIAN_READABLE_BUILD === "1";

const config: NextConfig = {
  // For an image; `next start` warns about it, and the platform does not need it.
  output: process.env.BUILD_STANDALONE === "1" ? "standalone" : undefined,
  // The local planet gives each development server a folder of its own, so that two of them, or one
  // and a build, do not write over each other.
  distDir: process.env.MERIDIAN_DIST_DIR ?? ".next",
  typescript: {
    tsconfigPath: process.env.MERIDIAN_TSCONFIG ?? "tsconfig.json",
    // Types are checked by the build that is served.
    ignoreBuildErrors: READABLE,
  },
  outputFileTracingRoot: process.cwd(),
  poweredByHeader: false,
  // It covers what is at the foot of a narrow page.
  devIndicators: false,
  reactStrictMode: true,
  // forbidden() and unauthorized(): a page for administrators answers anybody else with 403 or 401.
  experimental: {
    authInterrupts: true,
    serverMinification: !READABLE,
    serverSourceMaps: READABLE,
  },
  // ws breaks when webpack bundles it ("mask is not a function"); pg and pino load files of theirs, and OpenTelemetry's
  // are loaded where traces are wanted.
  serverExternalPackages: [
    "ws",
    "pg",
    "pino",
    "@opentelemetry/sdk-trace-node",
    "@opentelemetry/exporter-trace-otlp-http",
    "@opentelemetry/resources",
  ],
  // `npm run lint` covers the whole repository; a build would lint a part of it once more.
  eslint: { ignoreDuringBuilds: true },
  webpack: (webpack: { module: { rules: object[] } }) => {
    webpack.module.rules.push({
      test: /next[\\/]dist[\\/]compiled[\\/]react-dom[\\/]cjs[\\/]react-dom-client\.production\.js$/,
      use: path.resolve("scripts/build/react-fixes.cjs"),
    });
    return webpack;
  },
  headers: async () => [
    {
      source: "/:path*",
      headers: [
        { key: "Cross-Origin-Opener-Policy", value: "same-origin" },
        { key: "Permissions-Policy", value: "camera=(), geolocation=(), microphone=()" },
        { key: "Referrer-Policy", value: "same-origin" },
        // Browsers take it over TLS alone: a local planet is not bound by it.
        {
          key: "Strict-Transport-Security",
          value: `max-age=${TWO_YEARS_SECONDS}; includeSubDomains`,
        },
        { key: "X-Content-Type-Options", value: "nosniff" },
        { key: "X-Frame-Options", value: "DENY" },
      ],
    },
    // Pages get theirs from the middleware, with a nonce.
    ...["/api/:path*", "/_next/:path*"].map((source) => ({
      source,
      headers: [{ key: "Content-Security-Policy", value: DATA_POLICY }],
    })),
  ],
};

export default config;
