# One image for every service; SERVICES names those that a container runs, all of them by default.
FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY adapters/sqlite/package.json adapters/sqlite/
COPY contracts/package.json contracts/
COPY mixins/package.json mixins/
COPY sdk/package.json sdk/
COPY services/api/package.json services/api/
COPY services/chat/package.json services/chat/
COPY services/io/package.json services/io/
COPY services/mail/package.json services/mail/
COPY services/user/package.json services/user/
COPY tests/package.json tests/
RUN npm ci --omit=dev --no-audit
COPY *.ts tsconfig.json ./
COPY adapters adapters
COPY contracts contracts
COPY mixins mixins
COPY sdk sdk
COPY services services
# For operators: the test of mail settings, backup and restore.
COPY tools/mail tools/mail
COPY tools/backup tools/backup
RUN node services/api/page/build.ts

FROM node:24-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app ./
# The embedded store and, where none is set, the signing key.
RUN mkdir data && chown node:node data
VOLUME /app/data
USER node
EXPOSE 3000 3030
# Directly, so that SIGTERM reaches it.
CMD ["node", "confab.ts"]
