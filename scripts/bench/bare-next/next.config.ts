import type { NextConfig } from "next";

/** An app of its own, built from a copy in .local: scripts/bench/bare-app.ts. */
const config: NextConfig = {
  poweredByHeader: false,
  reactStrictMode: true,
  // The repository's own checks cover what is copied.
  typescript: { ignoreBuildErrors: true },
  eslint: { ignoreDuringBuilds: true },
};

export default config;
