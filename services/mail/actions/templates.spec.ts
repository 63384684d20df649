import { languages } from "@confab/contracts";
import { call } from "@confab/mixins/define.ts";
import { ContractValidator } from "@confab/mixins/validator.ts";
import { ServiceBroker } from "moleculer";
import mailService from "../mail.service.ts";

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function startMail(env: Record<string, string> = {}): Promise<ServiceBroker> {
  const broker = new ServiceBroker({ logger: false, validator: new ContractValidator() });
  broker.createService(mailService({ DATA_DIR: "memory", ...env }));
  await broker.start();
  closers.push(() => broker.stop());
  return broker;
}

test("every template is shown in every language, under the sender's name, and those that can be ended say so", async () => {
  const broker = await startMail({ MAIL_FROM: "Garden <a@example.org>", PUBLIC_URL: "https://garden.example/chat" });
  for (const language of languages) {
    const { items } = await call(broker, "mail.template.preview", { language });
    for (const { template, text, html } of items) {
      expect([template, html]).toEqual([template, expect.stringContaining(`lang="${language}"`)]);
      expect([template, text]).toEqual([template, expect.stringContaining("Garden:\nhttps://garden.example/chat")]);
      const canEnd = /^(invitation|notification|digest)/.test(template);
      expect([template, text.includes("https://garden.example/chat/unsubscribe/")]).toEqual([template, canEnd]);
    }
  }
});

test("none is shown in production", async () => {
  const broker = await startMail({ NODE_ENV: "production", SMTP_URL: "smtp://127.0.0.1:9", PUBLIC_URL: "https://x.example" });
  await expect(call(broker, "mail.template.preview", { language: "en" })).rejects.toMatchObject({ type: "not_found" });
});
