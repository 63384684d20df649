import type { Collection } from "@confab/mixins/store/collection.ts";
import type { StoredEntry, StoredFact } from "../documents.ts";

const done = "message.ids";
const atOnce = 200;

/** Messages of the version before are not found by their ids yet: gives them what they are found by. May be done by several nodes. */
export async function giveMessageIds(entries: Collection<StoredEntry>, facts: Collection<StoredFact>): Promise<void> {
  if (await facts.findOne({ _id: done })) return;
  const lacking = { type: "message.sent", messageId: { $exists: false } } as const;
  for (let page = [] as StoredEntry[], first = true; first || page.length > 0; first = false) {
    page = await entries.find(lacking, { limit: atOnce });
    for (const entry of page)
      if (entry.type === "message.sent") await entries.updateOne({ _id: entry._id }, { $set: { messageId: entry.body.id } });
  }
  await facts.replaceOne({ _id: done }, { _id: done, value: new Date().toISOString() });
}
