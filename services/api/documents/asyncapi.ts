import { actionEntries, commonProblems, socketEvents, type ActionContract } from "@confab/contracts";
import { isOffered } from "@confab/mixins/accounts.ts";
import type { ApiSettings } from "../settings.ts";
import { presentSchema, presentShapes, type Json } from "./shapes.ts";

const channel = { $ref: "#/channels/socket" };
const messageOf = (name: string) => ({ $ref: `#/channels/socket/messages/${name}` });
const ackOf = (event: string) => `${event}.ack`;
/** What both sides say under one name, as the server says it: a document knows each of its messages by a name of its own. */
const toldOf = (event: string) => `${event}.told`;

/** AsyncAPI 3.0 of the socket: what clients may send, with its acknowledgement, and what the server sends. */
export function presentAsyncapi(version: string, settings: Pick<ApiSettings, "AUTH" | "AUTH_CODE">): Json {
  const offered = actionEntries.filter(([, contract]) => isOffered(contract, settings));
  const fromClients = offered.flatMap(([, contract]) => (contract.socket ? [{ event: contract.socket, contract }] : []));
  const sent = new Set(fromClients.map(({ event }) => event));
  const fromServer = Object.entries(socketEvents).map(([event, told]) => ({
    event,
    id: sent.has(event) ? toldOf(event) : event,
    ...told,
  }));
  return {
    asyncapi: "3.0.0",
    info: {
      title: "Confab",
      version,
      description:
        "Socket.io: connect with `auth: { token }`. Every client event takes a payload and an acknowledgement. Server events are hints that may be lost; the log is the truth.",
      license: { name: "MIT" },
    },
    defaultContentType: "application/json",
    channels: {
      socket: {
        address: "/socket.io",
        title: "The socket of a signed-in user",
        messages: Object.fromEntries<object>([
          ...fromClients.flatMap(({ event, contract }): [string, object][] => [
            [event, { name: event, summary: contract.summary, payload: presentSchema(contract.params) }],
            [ackOf(event), { name: ackOf(event), summary: `The acknowledgement of ${event}`, payload: presentAck(contract) }],
          ]),
          ...fromServer.map(({ event, id, summary, payload }): [string, object] => [
            id,
            { name: event, summary, payload: presentSchema(payload) },
          ]),
        ]),
      },
    },
    operations: Object.fromEntries([
      ...fromClients.map(({ event, contract }) => [
        event,
        {
          action: "receive",
          channel,
          summary: contract.summary,
          messages: [messageOf(event)],
          reply: { channel, messages: [messageOf(ackOf(event))] },
        },
      ]),
      ...fromServer.map(({ id, summary }) => [id, { action: "send", channel, summary, messages: [messageOf(id)] }]),
    ]),
    components: { schemas: presentShapes() },
  };
}

function presentAck({ returns, problems }: ActionContract): Json {
  const codes = [...problems, ...commonProblems, "unauthenticated"];
  const answer = (ok: boolean, rest: Json) => ({
    type: "object",
    properties: { ok: { const: ok }, ...rest },
    required: ["ok", ...Object.keys(rest)],
    additionalProperties: false,
  });
  return {
    oneOf: [
      answer(true, { data: presentSchema(returns) }),
      answer(false, { error: { allOf: [{ $ref: "#/components/schemas/Problem" }, { properties: { code: { enum: codes } } }] } }),
    ],
  };
}
