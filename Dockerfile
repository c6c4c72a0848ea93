# normsim in a container: `docker build -t normsim .`, `docker run normsim list clusters`.
FROM node:24-slim AS build
WORKDIR /normsim
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
RUN npm run build && npm prune --omit=dev

FROM node:24-slim
ENV NODE_ENV=production
WORKDIR /normsim
COPY --from=build /normsim/package.json ./
COPY --from=build /normsim/node_modules node_modules
COPY --from=build /normsim/dist dist
COPY --from=build /normsim/scenarios scenarios
USER node
ENTRYPOINT ["node", "dist/command/src/node/cli.js"]
