import { randomUUID } from "node:crypto";
import { ServiceBroker } from "moleculer";
import { isCutOff, reasonsNotReady } from "../../mixins/health.ts";
import { brokerOptions, clusterSettings } from "../../moleculer.config.ts";
import { describeCluster, rabbitUrl } from "../support/parts.ts";
import { eventually } from "../support/wait.ts";

interface Closable {
  close(): Promise<void>;
}

describeCluster("a node on RabbitMQ", () => {
  test("knows when its channel is closed, which nobody opens anew", async () => {
    const env = { TRANSPORTER: rabbitUrl(), NAMESPACE: `confab-${randomUUID().slice(0, 8)}`, LOG_LEVEL: "fatal" };
    const broker = new ServiceBroker(brokerOptions(clusterSettings.read(env)));
    await broker.start();
    expect([isCutOff(broker), reasonsNotReady(broker)]).toEqual([false, []]);

    const { tx } = broker.transit as unknown as { tx: { channel: Closable; connection: Closable } };
    await tx.channel.close();
    await eventually("the node is cut off", () => Promise.resolve(isCutOff(broker)));
    expect(reasonsNotReady(broker)).toEqual(["the channel to the transporter is closed"]);
    // Without a channel it cannot take leave, and would keep its connection as long as the process lives.
    await Object.assign(tx, { connectionDisconnecting: true }).connection.close();
    await broker.stop();
  });
});
