import type { Collection } from "@confab/mixins/store/collection.ts";
import type { LoggedMessage, MessageLog } from "../search/fts/filling.ts";
import { place, type StoredEntry, type StoredMessage } from "./documents.ts";
import type { ProjectionStore } from "./projection.store.ts";

/** The messages of the log, as the search index is filled from it. */
export function messageLog(entries: Collection<StoredEntry>, projections: ProjectionStore): MessageLog {
  return {
    async messagesBefore(messageId, limit) {
      const sent = (await entries.find({ messageId: { $lt: messageId } }, { sort: { messageId: -1 }, limit })) as StoredMessage[];
      const changes = new Map((await projections.changesOf(sent)).map((one) => [one._id, one]));
      return sent.map(({ chatId, seq, rev, by, at, body }): LoggedMessage => {
        const changed = changes.get(place(chatId, seq));
        const isDeleted = changed?.deletedAt !== undefined;
        return {
          ...{ chatId, seq, by, at, messageId: body.id },
          text: changed?.edited?.text ?? body.text,
          // Words that are gone stay gone, whatever rev the index has.
          rev: body.erased && !isDeleted ? Number.MAX_SAFE_INTEGER : (changed?.rev ?? rev),
          isRemoved: isDeleted || body.erased === true,
        };
      });
    },
    async hasMessage(chatId, seq) {
      return (await entries.find({ seqKey: { $in: [place(chatId, seq)] } })).length > 0;
    },
  };
}
