/* What whoever watches over a server reads in its log: who signed in and what was refused, by which way and from where. */
import type { ServerResponse } from "node:http";
import { problems, type ActionContract, type ProblemCode } from "@confab/contracts";
import { requestIdOf } from "./errors.ts";
import type { ApiService, GatewayRequest } from "./gateway.ts";

const about = (service: ApiService, req: GatewayRequest, res: ServerResponse) =>
  `${requestIdOf(res)} ${req.$alias?.action ?? req.method} from ${service.addressOf(req)}`;

/** Whether an action asks for a proof of who somebody is, or gives tokens. */
const isAboutProof = ({ budget, scope }: ActionContract) => budget === "sign-in" || scope === "tokens";

/** `userId` is who asked, where that was known before. */
export function noteProof(
  service: ApiService,
  {
    req,
    res,
    contract,
    data,
    userId,
  }: { req: GatewayRequest; res: ServerResponse; contract: ActionContract } & {
    data: unknown;
    userId: string | undefined;
  },
): void {
  if (!isAboutProof(contract)) return;
  const whose = (data as { user?: { id: string } } | null)?.user?.id ?? userId;
  service.logger.info(`${about(service, req, res)} is done${whose === undefined ? "" : ` for ${whose}`}`);
}

/** A flood that a budget stops is not worth a line each. */
const quiet = new Set<ProblemCode>(["too_many_requests"]);

export function noteRefusal(service: ApiService, req: GatewayRequest, res: ServerResponse, type: ProblemCode): void {
  if ([401, 403, 429].includes(problems[type].status) && !quiet.has(type))
    service.logger.info(`${about(service, req, res)} is refused: ${type}`);
}
