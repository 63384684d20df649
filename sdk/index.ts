export { createClient, type Client, type ClientOptions, type ClientState } from "./client.ts";
export { type ConnectionState, type SocketLike } from "./connection.ts";
export { memoryStorage, type ClientStorage } from "./platform.ts";
export { ApiProblem, type ClientProblemCode } from "./problem.ts";
export { type RouteName } from "./routes.ts";
export { type Chats, type ChatState, type Outgoing } from "./state.ts";
export { type Observable } from "./store.ts";
