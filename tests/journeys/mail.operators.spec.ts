// Mail as operators ask for it, by REST and by the REPL's way, and as those who get it end it; nothing of it gets into a log.

import { randomUUID } from "node:crypto";
import type { InboxMail } from "@confab/contracts";
import { call } from "@confab/mixins/define.ts";
import { noteSecrets } from "../support/secrets.ts";
import type { TestUser } from "../support/user.ts";
import { eventually } from "../support/wait.ts";
import { describeWorlds, type World } from "../support/world.ts";

const admin = `admin.${randomUUID()}@example.test`;
const env = { ADMINS: admin, LOG_LEVEL: "trace", METRICS: "on" };

describeWorlds("mail for operators", { env }, (open) => {
  let world: World;
  let ada: TestUser;
  beforeAll(async () => {
    world = await open();
    ada = await world.signIn(admin, "Ada");
  });
  afterAll(() => world?.stop());

  const explain = (address: string) => {
    // As it stands in the path.
    noteSecrets({ email: encodeURIComponent(address) });
    return ada.call("mail.admin.explain", { address });
  };
  async function mailsTo(address: string): Promise<InboxMail[]> {
    const url = `${world.doors[0]!.api}/dev/inbox?to=${encodeURIComponent(address)}`;
    return ((await (await fetch(url, { headers: { Accept: "application/json" } })).json()) as { items: InboxMail[] }).items;
  }

  test("whatever is in an address, its mails are found by it, and by no other", async () => {
    const locals = ["ann+lists", "ann%40home", "ann/bob", "ann?x=1&y#z", "o'ann", "ann.."].map(
      (local) => `${local}.${randomUUID()}`,
    );
    const taken: string[] = [];
    for (const local of locals) {
      const address = `${local}@example.test`;
      const asked = await ada.client.ask("user.code.request", { email: address });
      // What is no address to begin with gets no mail.
      if (asked.status === 202) taken.push(address);
    }
    expect(taken.length).toBeGreaterThanOrEqual(4);
    for (const address of taken) {
      await eventually(`a mail to ${address}`, async () => (await mailsTo(address)).length === 1);
      const { jobs, address: told } = await eventually("it is noted as sent", async () => {
        const explained = await explain(address.toUpperCase());
        return explained.jobs[0]?.state === "sent" && explained;
      });
      expect([told, jobs.length, jobs[0]!.address]).toEqual([address.toLowerCase(), 1, address.toLowerCase()]);
      expect((await ada.client.ask("mail.admin.forgive", { address })).status).toBe(204);
    }
  });

  test("an invitation that was declined by its link is not sent again, and an operator sees why", async () => {
    const to = `fay.${randomUUID()}@example.test`;
    const chat = await ada.call("chat.chat.create", { type: "group", title: "Readers", memberIds: [] });
    const invite = () => ada.call("chat.invite.create", { chatId: chat.id, email: to });
    await invite();
    const [mail] = await eventually("the invitation", async () => {
      const mails = await mailsTo(to);
      return mails.length === 1 && mails;
    });
    const token = /\/unsubscribe\/([^>]+)>/.exec(mail!.headers["List-Unsubscribe"]!)![1]!;
    noteSecrets({ token });
    const link = `${world.doors.at(-1)!.api}/unsubscribe/${token}`;
    expect((await fetch(link)).status).toBe(200);
    expect((await explain(to)).unsubscribed).toEqual([]);
    const body = new URLSearchParams({ "List-Unsubscribe": "One-Click" });
    expect((await fetch(link, { method: "POST", body, redirect: "error" })).status).toBe(200);
    await invite();
    const dead = await eventually("the second is given up", async () => {
      const { items } = await ada.call("mail.admin.list", { address: to, state: "dead" });
      return items[0];
    });
    expect(dead.reason).toMatch(/declined/);
    const { unsubscribed, findings } = await explain(to);
    expect(unsubscribed).toEqual(["invitation"]);
    expect(findings).toContainEqual(expect.stringContaining("ended invitations to this address"));
    expect(await mailsTo(to)).toHaveLength(1);

    // Sent after all by an operator it is declined still; what is not dead is not replayed.
    expect((await ada.client.ask("mail.admin.replay", { jobId: dead.id })).data).toMatchObject({ id: dead.id, state: "waiting" });
    const again = await eventually("it is given up once more", async () => {
      const [job] = (await explain(to)).jobs;
      return job!.state === "dead" && job;
    });
    expect(again.history.map(({ what }) => what)).toEqual(["accepted", "dead", "replayed", "dead"]);
    const sent = (await explain(to)).jobs.find(({ state }) => state === "sent")!;
    expect((await ada.client.ask("mail.admin.replay", { jobId: sent.id })).problem?.code).toBe("mail.job_not_dead");
    const acts = (await ada.call("user.audit.list", { limit: 100 })).items.filter(({ action }) => action.startsWith("mail."));
    expect(acts.filter(({ action }) => action === "mail.admin.replay")).toMatchObject([{ by: ada.id, target: dead.id }]);
    expect(JSON.stringify(acts)).not.toContain(to);
  });

  test("the REPL answers the same, and the metrics tell how the queue stands", async () => {
    const to = `gil.${randomUUID()}@example.test`;
    await ada.client.call("user.code.request", { email: to });
    await eventually("it is sent", async () => (await explain(to)).jobs[0]?.state === "sent");
    const operator = await world.operator();
    if (operator) {
      try {
        await operator.waitForServices("mail");
        const { jobs, findings } = await call(operator, "mail.job.explain", { address: to });
        expect([jobs.length, findings[0]]).toEqual([1, expect.stringContaining("was taken by the mail server")]);
        expect(await call(operator, "mail.job.stats", {})).toMatchObject({ waiting: 0 });
      } finally {
        await operator.stop();
      }
    }
    const metrics = await world.node("mail").metrics();
    const valueOf = (name: string) => Number(new RegExp(`^confab_mail_${name}\\{[^}]*\\} (\\S+)`, "m").exec(metrics)?.[1]);
    expect(valueOf("sent_total")).toBeGreaterThan(0);
    expect(valueOf("accepted_total")).toBeGreaterThanOrEqual(valueOf("sent_total"));
    for (const gauge of ["waiting", "dead", "oldest_seconds"]) expect(valueOf(`queue_${gauge}`)).not.toBeNaN();
  });
});
