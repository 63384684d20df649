import { oneOf, text, url } from "./settings.ts";

/** The settings of the cluster that services read too, declared once. */
export const clusterDeclarations = {
  NODE_ENV: oneOf(["development", "test", "production"], {
    about: "production wants its secrets set and closes the dev inbox.",
    default: "development",
  }),
  TRANSPORTER: url(["amqp", "amqps", "nats", "redis", "rediss"], {
    about: "The broker that joins several nodes; without it this process is all there is.",
    secret: true,
    example: "amqp://127.0.0.1:5672",
  }),
  REDIS_URL: url(["redis", "rediss"], {
    about: "Redis, for what nodes share and may lose.",
    secret: true,
    example: "redis://127.0.0.1:6379",
  }),
  PUBLIC_URL: url(["http", "https"], {
    about: "Where people reach this server, for links in mails.",
    default: "http://localhost:3000",
    required: "production",
  }),
  NAMESPACE: text({ about: "Keeps deployments on one broker apart.", default: "confab" }),
};
