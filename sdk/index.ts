export {
  type ChatState,
  type Client,
  type ClientOptions,
  type ClientState,
  type Edit,
  type MessageWindow,
  type Outgoing,
  type SendOptions,
} from "./api.ts";
export { createClient } from "./client.ts";
export { type ConnectionState, type SocketLike } from "./connection.ts";
export { memoryStorage, type ClientStorage } from "./platform.ts";
export { ApiProblem, type ClientProblemCode } from "./problem.ts";
export { type RouteName } from "./routes.ts";
export { type Observable } from "./store.ts";
