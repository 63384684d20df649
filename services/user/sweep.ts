import type { ServiceSchema } from "moleculer";
import { limitsOfLife } from "./policies.ts";
import type { UserService } from "./service.ts";

const hour = 3_600_000;

/** Removes every hour what nobody can use any more. Each node does; a second one finds nothing left. */
export const sweeping = {
  started(this: UserService & { sweeper: NodeJS.Timeout }) {
    const sweep = () => {
      const now = Date.now();
      const { usedAfter } = limitsOfLife(this.settings, now);
      this.store.sweep({ now, usedAfter }).catch((err: unknown) => this.logger.warn("Could not remove what is over", err));
    };
    this.sweeper = setInterval(sweep, hour).unref();
  },
  stopped(this: UserService & { sweeper?: NodeJS.Timeout }) {
    clearInterval(this.sweeper);
  },
} as unknown as Partial<ServiceSchema>;
