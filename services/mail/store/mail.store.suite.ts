import { v7 as uuid } from "uuid";
import { makeJob, type Job } from "../job.ts";
import { deadKeptMs } from "../queue/queue.ts";
import { refusalKeptDays, type MailStore, type TakenJob } from "./mail.store.ts";

const day = 24 * 3_600_000;

/** What every store of mail keeps to. */
export function mailStoreSuite(open: () => Promise<MailStore>): void {
  let store: MailStore;
  beforeAll(async () => (store = await open()));

  const code = (to = `${uuid()}@example.org`) =>
    makeJob({ template: "code", to, data: { code: "123456", minutes: 10 } }, "confab@example.org");
  const digest = (userId: string) => {
    const data = { userId, name: "Ann", chats: [], more: 0, url: "" };
    return makeJob({ template: "digest", to: `${uuid()}@example.org`, data }, "confab@example.org");
  };
  const take = async ({ id }: Job, worker = "one", now = 1000) => (await store.takeJob(id, worker, now, 100))!;
  async function added(job = code(), dueAt = 1000): Promise<Job> {
    await store.addJob(job, dueAt);
    return job;
  }

  describe("a job", () => {
    test("given twice is one", async () => {
      const job = code("Ann@Example.org");
      const given = await Promise.all([store.addJob(job, 1000), store.addJob(job, 1000), store.addJob(job, 1000)]);
      expect(given.toSorted()).toEqual([false, false, true]);
      const history = [{ at: job.acceptedAt, what: "accepted" }];
      const stored = {
        _id: job.id,
        job,
        state: "waiting",
        address: "ann@example.org",
        messageId: job.messageId,
        failures: 0,
        history,
      };
      expect(await store.jobById(job.id)).toMatchObject(stored);
      await store.endSent(await take(job), "250", 1000);
      expect(await store.addJob(job, 1000)).toBe(false);
      expect(await store.jobById(job.id)).toMatchObject({ state: "sent" });
    });

    test("is one worker's, until its lease is over; while it renews that, nobody else's", async () => {
      const job = await added();
      const workers = Array.from({ length: 8 }, (_, at) => store.takeJob(job.id, String(at), 1000, 100));
      const taken = (await Promise.all(workers)).filter((one) => one !== null);
      expect(taken).toHaveLength(1);
      expect(taken[0]).toMatchObject({ dueAt: 1100, takes: 1, job });
      expect(await store.takeJob(job.id, "late", 1099, 100)).toBeNull();
      expect(await store.keepJob(taken[0]!, 1200)).toBe(true);
      expect(await store.takeJob(job.id, "late", 1199, 100)).toBeNull();
      expect(await store.takeJob(job.id, "late", 1200, 100)).toMatchObject({ worker: "late", takes: 2 });
      // The first one learns of it.
      expect(await store.keepJob(taken[0]!, 1300)).toBe(false);
      expect(await store.endDead(taken[0]!, "no", 1200, 1)).toBe(false);
      await store.retryJob(taken[0]!, "no", 1200, 5000);
      expect(await store.jobById(job.id)).toMatchObject({ worker: "late", dueAt: 1300, failures: 0 });
    });

    test("that is due is taken by whoever asks for any, and no other", async () => {
      const [due, later] = [await added(code(), 5), await added(code(), 9)];
      expect(await store.takeDue("one", 6, 1000)).toMatchObject({ _id: due.id });
      expect(await store.takeDue("one", 6, 1000)).toBeNull();
      expect(await store.takeDue("one", 9, 1000)).toMatchObject({ _id: later.id });
    });

    test("is sent once somebody notes it, whoever has it by then, and what it said goes", async () => {
      const job = await added();
      const [slow, late] = [await take(job), await take(job, "late", 1100)];
      expect(await store.endSent(slow, "250 queued", 1150)).toBe(true);
      // Repeated, since the answer to the first time was lost, and by the other.
      expect(await store.endSent(slow, "250 queued", 1160)).toBe(true);
      expect(await store.keepJob(late, 9999)).toBe(false);
      const { history, ...ended } = (await store.jobById(job.id))!;
      expect(history.slice(1)).toEqual([{ at: 1150, what: "sent", answer: "250 queued" }]);
      expect(ended).toEqual({
        ...{ _id: job.id, state: "sent", template: "code", messageId: job.messageId, address: job.to },
        ...{ acceptedAt: job.acceptedAt, endedAt: 1150, failures: 0 },
      });
    });

    test("keeps each try with what was answered", async () => {
      const job = await added();
      await store.retryJob(await take(job), "450 later", 1010, 2000);
      expect(await store.takeJob(job.id, "one", 1999, 100)).toBeNull();
      expect(await store.endDead(await take(job, "two", 2000), "550 never", 2010, 1)).toBe(true);
      expect(await store.jobById(job.id)).toMatchObject({ state: "dead", failures: 2, reason: "550 never", job, endedAt: 2010 });
      expect((await store.jobById(job.id))!.history.slice(1)).toEqual([
        { at: 1010, what: "refused", answer: "450 later", nextAt: 2000 },
        { at: 2010, what: "dead", answer: "550 never" },
      ]);
      expect(await store.jobById(job.id)).not.toHaveProperty("takes");
    });

    test("that nobody can take ends, but not in somebody's hand", async () => {
      const [free, taken] = [await added(), await added()];
      await take(taken);
      expect(await store.endUntaken(free.id, "given up", 1050)).toBe(true);
      expect(await store.endUntaken(taken.id, "given up", 1050)).toBe(false);
      expect(await store.jobById(free.id)).toMatchObject({ state: "dead", reason: "given up", failures: 0 });
      expect(await store.jobById(taken.id)).toMatchObject({ state: "waiting", worker: "one" });
    });

    test("that is given back is due, untried", async () => {
      const job = await added();
      await store.releaseJob(await take(job), 1005);
      expect(await take(job, "two", 1005)).toMatchObject({ worker: "two", takes: 1, failures: 0 });
    });

    test("that is given back is so as it was taken, where others had it before and told nothing", async () => {
      const job = await added();
      await take(job);
      await store.releaseJob(await take(job, "two", 1100), 1105);
      expect(await store.jobById(job.id)).not.toHaveProperty("worker");
      expect(await take(job, "three", 1105)).toMatchObject({ worker: "three", takes: 2, failures: 0 });
    });

    test("is overdue when nobody takes it, the longest first", async () => {
      const [second, first, young] = [await added(code(), 31), await added(code(), 30), await added(code(), 33)];
      const due = await store.overdue(32, 100);
      expect(due.filter((id) => [first, second, young].some((job) => job.id === id))).toEqual([first.id, second.id]);
      expect(await store.overdue(32, 1)).toHaveLength(1);
    });
  });

  test("an address is refused until a mail gets there", async () => {
    const address = `${uuid()}@example.org`;
    expect(await store.isRefused(address)).toBe(false);
    for (const answer of ["550 unknown", "550 no such user"]) await store.noteRefusal(address, answer, 1000);
    expect(await store.isRefused(address)).toBe(true);
    await store.clearRefusal(address);
    expect(await store.isRefused(address)).toBe(false);
    await store.clearRefusal(`${uuid()}@example.org`);
    await store.noteRefusal(address, "550 again", 1000);
    expect(await store.isRefused(address)).toBe(true);
  });

  describe("erasing", () => {
    const mail = ({ id, to }: Job) => ({ _id: id, address: to, to, subject: "", text: "", html: "", headers: {}, at: 0 });

    test("leaves nothing of an address, in whatever state, and what is in hand does not come back", async () => {
      const address = `${uuid()}@example.org`;
      const [waiting, sent, dead, inHand] = [0, 1, 2, 3].map(() => code(address)) as [Job, Job, Job, Job];
      for (const job of [waiting, sent, dead, inHand]) await added(job);
      await store.endSent(await take(sent), "250", 1000);
      await store.endDead(await take(dead), `550 ${address}`, 1000, 1);
      await store.noteRefusal(address, "550", 1000);
      const taken: TakenJob = await take(inHand);
      await store.keepMail(mail(sent));
      const others = await added();
      await store.eraseAddress(address);
      await store.eraseMails(address);
      expect(await store.keepJob(taken, 2000)).toBe(false);
      expect(await store.endSent(taken, "250", 1000)).toBe(false);
      expect(await store.endDead(taken, "550", 1000, 1)).toBe(false);
      await store.retryJob(taken, "450", 1000, 2000);
      await store.releaseJob(taken, 1000);
      expect(await store.jobsAfter(address, "", 100)).toEqual([]);
      expect(await store.listMails(address, 100)).toEqual([]);
      expect(await store.isRefused(address)).toBe(false);
      expect(await store.jobById(others.id)).not.toBeNull();
    });

    test("takes the mails about somebody's messages, whichever address they went to", async () => {
      const [ann, bob] = [uuid(), uuid()];
      const [hers, his] = [await added(digest(ann)), await added(digest(bob))];
      await store.eraseUser(ann);
      expect(await store.jobById(hers.id)).toBeNull();
      expect(await store.jobById(his.id)).not.toBeNull();
    });
  });

  test("the words of a dead letter are kept for a week, what became of each mail for thirty days", async () => {
    const now = 2 * 365 * day;
    const [dead, sent] = [await added(), await added()];
    await store.endDead(await take(dead), "550", now, 1);
    await store.endSent(await take(sent), "250", now);
    await store.sweep(now + deadKeptMs - 1);
    expect(await store.jobById(dead.id)).toHaveProperty("job");
    await store.sweep(now + deadKeptMs);
    expect(await store.jobById(dead.id)).not.toHaveProperty("job");
    await store.sweep(now + 30 * day - 1);
    expect(await store.jobById(dead.id)).toMatchObject({ address: dead.to, reason: "550" });
    expect(await store.jobById(sent.id)).toMatchObject({ address: sent.to });
    await store.sweep(now + 30 * day);
    expect([await store.jobById(dead.id), await store.jobById(sent.id)]).toEqual([null, null]);
  });

  test("a refusal is kept for ninety days, from the last one on", async () => {
    const now = 2 * 365 * day;
    const address = "gone@example.org";
    await store.noteRefusal(address, "550", now - 1);
    await store.noteRefusal(address, "550", now);
    await store.sweep(now + refusalKeptDays * day - 1);
    expect(await store.isRefused(address)).toBe(true);
    await store.sweep(now + refusalKeptDays * day);
    expect(await store.isRefused(address)).toBe(false);
  });
}
