# The application and its workers. `docker build --target web` is Next.js's standalone server alone; `--target tools`
# has the sources and runs everything else: migrations, workers, `region`. Both run as the user "node".
FROM node:22-bookworm-slim AS base
ENV NEXT_TELEMETRY_DISABLED=1
WORKDIR /app

FROM base AS source
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
RUN node scripts/bootstrap.mjs generate

FROM source AS build
RUN BUILD_STANDALONE=1 node scripts/bootstrap.mjs build

FROM base AS tools
# Compiled modules and what tools write while they run.
ENV NODE_ENV=production TMPDIR=/tmp
COPY --from=source /app ./
USER node
ENTRYPOINT ["node", "scripts/bootstrap.mjs"]

FROM base AS web
ENV NODE_ENV=production HOSTNAME=0.0.0.0 PORT=3000
COPY --from=build /app/.next/standalone ./
COPY --from=build /app/.next/static ./.next/static
COPY --from=build /app/public ./public
# Next.js keeps what it renders there.
RUN mkdir -p .next/cache && chown node:node .next/cache
USER node
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.PORT + '/api/health/live').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "server.js"]
