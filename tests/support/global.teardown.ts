import { holder } from "./global.setup.ts";

export default async function teardown(): Promise<void> {
  await holder.confabParts?.stop();
}
