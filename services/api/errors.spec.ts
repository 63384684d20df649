import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { problem } from "@confab/mixins/problem.ts";
import { Errors } from "moleculer";
import ApiGateway from "moleculer-web";
import { answerProblem, edgeProblem } from "./errors.ts";
import { askAt } from "./testing.ts";

const { NotFoundError, ServiceUnavailableError, BadRequestError } = (
  ApiGateway as unknown as { Errors: Record<string, new (type?: string) => Error> }
).Errors;
const parser = (type: string, status: number) => new Errors.MoleculerError("x", status, type);
const wrongInput = (action: string) =>
  new Errors.ValidationError("x", "VALIDATION_ERROR", [{ field: "text", code: "type", message: "must be string", action }]);

test.each<[string, unknown, string]>([
  ["our own", problem("chat.not_found"), "chat.not_found"],
  ["unreadable JSON", parser("entity.parse.failed", 400), "bad_json"],
  ["a large body", parser("entity.too.large", 413), "too_large"],
  ["a compressed body", parser("encoding.unsupported", 415), "unsupported_media_type"],
  ["another charset", parser("charset.unsupported", 415), "unsupported_media_type"],
  ["a body that ended early", parser("request.aborted", 400), "bad_request"],
  ["the gateway's 404", new NotFoundError!(), "not_found"],
  ["the gateway's 503", new ServiceUnavailableError!(), "unavailable"],
  ["the gateway's unreadable address", new BadRequestError!("UNABLE_DECODE_PARAM"), "bad_request"],
  ["the file server's complaint", Object.assign(new Error("x"), { statusCode: 416 }), "bad_request"],
  ["the file server's failure", Object.assign(new Error("x"), { statusCode: 500 }), "internal"],
  ["wrong input of the action", wrongInput("chat.message.send"), "bad_input"],
  ["wrong input of another action", wrongInput("user.profile.known"), "internal"],
  ["a silent service", new Errors.RequestTimeoutError({ action: "a", nodeID: "n" }), "unavailable"],
  ["an error of nobody's", new Error("x"), "internal"],
  ["no error at all", undefined, "internal"],
])("%s", (_what, err, code) => {
  expect(edgeProblem(err, "chat.message.send").type).toBe(code);
});

test("an answer that was begun gets no second one", async () => {
  const said: unknown[] = [];
  const logger = { error: (...words: unknown[]) => said.push(words), warn: () => {} } as unknown as Parameters<
    typeof answerProblem
  >[0]["logger"];
  const server = createServer((req, res) => {
    res.setHeader("X-Request-Id", "r1");
    res.end("first");
    answerProblem({ req, res, err: new Error("late"), logger });
    answerProblem({ req, res, err: problem("not_found"), logger });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { status, text } = await askAt((server.address() as AddressInfo).port, "/");
  server.close();
  expect([status, text, said.length]).toEqual([200, "first", 1]);
});
