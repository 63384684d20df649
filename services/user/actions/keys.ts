import { define } from "@confab/mixins/define.ts";
import type { UserService } from "../service.ts";

export const keys = {
  ...define("user.key.list", async function (this: UserService) {
    return { keys: this.keys.all.map(({ published }) => published) };
  }),
};
