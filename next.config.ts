import type { NextConfig } from "next";

/**
 * No script-src: Next writes inline scripts, and a nonce would make every page dynamic. What is
 * here costs nothing: nobody may frame the site, re-base its links or send its forms elsewhere.
 */
const CONTENT_SECURITY_POLICY =
  "base-uri 'self'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";

const config: NextConfig = {
  // For an image; `next start` warns about it, and the platform does not need it.
  output: process.env.BUILD_STANDALONE === "1" ? "standalone" : undefined,
  // The local planet gives each development server a folder of its own, so that two of them, or one
  // and a build, do not write over each other.
  distDir: process.env.MERIDIAN_DIST_DIR ?? ".next",
  typescript: { tsconfigPath: process.env.MERIDIAN_TSCONFIG ?? "tsconfig.json" },
  outputFileTracingRoot: process.cwd(),
  poweredByHeader: false,
  // It covers what is at the foot of a narrow page.
  devIndicators: false,
  reactStrictMode: true,
  // ws breaks when webpack bundles it ("mask is not a function"); pg and pino load files of theirs.
  serverExternalPackages: ["ws", "pg", "pino"],
  // `npm run lint` covers the whole repository; a build would lint a part of it once more.
  eslint: { ignoreDuringBuilds: true },
  headers: async () => [
    {
      source: "/:path*",
      headers: [
        { key: "Content-Security-Policy", value: CONTENT_SECURITY_POLICY },
        { key: "Cross-Origin-Opener-Policy", value: "same-origin" },
        { key: "Permissions-Policy", value: "camera=(), geolocation=(), microphone=()" },
        { key: "Referrer-Policy", value: "same-origin" },
        { key: "X-Content-Type-Options", value: "nosniff" },
        { key: "X-Frame-Options", value: "DENY" },
      ],
    },
  ],
};

export default config;
