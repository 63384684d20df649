// How each part is started on this machine: on loopback alone, on its own ports, in its own folder, and small.

import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { formReplicaSet, mongodbAnswers, rabbitmqAnswers, redisAnswers } from "./answers.ts";
import { onPath } from "./find.ts";
import type { PartName, Source } from "./part.ts";
import { freePort } from "./ports.ts";
import type { ServerPlan } from "./server.ts";

export interface Place {
  source: Source;
  command: string;
  /** Holds a folder for each part. */
  folder: string;
  /** The port to take if it is free. */
  port?: number;
  disposable: boolean;
  /** Redis writes its data down, so that a crash loses nothing. */
  keepRedis: boolean;
}

export const plans: Record<PartName, (place: Place) => Promise<ServerPlan>> = {
  async rabbitmq(place) {
    const folder = ownFolder(place, "rabbitmq");
    const [port, distPort, epmdPort] = [await freePort(place.port), await freePort(), await freePort()];
    const url = `amqp://127.0.0.1:${port}`;
    const config = join(folder, "rabbitmq.conf");
    writeFileSync(
      config,
      [
        `listeners.tcp.local = 127.0.0.1:${port}`,
        "log.console = true",
        "log.console.level = info",
        "log.file = false",
        // Small, for a machine that also runs the tests: by default it wants 512 MB of log for quorum queues in memory.
        "raft.wal_max_size_bytes = 67108864",
        "vm_memory_high_watermark.absolute = 1GB",
        "disk_free_limit.absolute = 50MB",
        // As RabbitMQ 4 has it by default: what is too large there must show here.
        "max_message_size = 16777216",
        "",
      ].join("\n"),
    );
    const plugins = join(folder, "enabled_plugins");
    writeFileSync(plugins, "[].\n"); // quorum queues need none
    const env = {
      HOME: folder, // its Erlang cookie lies there
      RABBITMQ_NODENAME: "confab@localhost", // the data folder bears this name, so it stays the same on other ports
      RABBITMQ_NODE_PORT: String(port),
      RABBITMQ_NODE_IP_ADDRESS: "127.0.0.1",
      RABBITMQ_DIST_PORT: String(distPort),
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: "-kernel inet_dist_use_interface {127,0,0,1}",
      // A port mapper of our own, so that we meddle with no other Erlang and leave none behind.
      ERL_EPMD_ADDRESS: "127.0.0.1",
      ERL_EPMD_PORT: String(epmdPort),
      RABBITMQ_CONF_ENV_FILE: "/dev/null", // else /etc/rabbitmq/rabbitmq-env.conf is read
      RABBITMQ_CONFIG_FILE: config,
      RABBITMQ_ENABLED_PLUGINS_FILE: plugins,
      RABBITMQ_MNESIA_BASE: join(folder, "mnesia"),
      RABBITMQ_LOG_BASE: join(folder, "log"),
      RABBITMQ_PID_FILE: join(folder, "pid"),
      // The script then becomes the Erlang VM instead of waiting for it: the pid we know is the one to signal.
      RUNNING_UNDER_SYSTEMD: "true",
    };
    const epmd = onPath("epmd");
    if (!epmd) throw new Error("epmd, which comes with Erlang, is not on the PATH");
    return {
      ...about(place, "rabbitmq", url),
      main: { command: place.command, args: [], env, cwd: folder, log: join(folder, "rabbitmq.log") },
      helper: {
        command: epmd,
        args: ["-address", "127.0.0.1", "-port", String(epmdPort)],
        cwd: folder,
        log: join(folder, "epmd.log"),
      },
      answers: () => rabbitmqAnswers(url),
      limit: 90_000,
    };
  },

  async redis(place) {
    const folder = ownFolder(place, "redis");
    const port = await freePort(place.port);
    const url = `redis://127.0.0.1:${port}`;
    const keep = place.keepRedis ? ["--appendonly", "yes"] : ["--appendonly", "no", "--save", ""];
    return {
      ...about(place, "redis", url),
      main: {
        command: place.command,
        args: ["--bind", "127.0.0.1", "--port", String(port), "--dir", folder, "--daemonize", "no", ...keep],
        cwd: folder,
        log: join(folder, "redis.log"),
      },
      answers: () => redisAnswers(url),
      limit: 20_000,
    };
  },

  async mongodb(place) {
    const folder = ownFolder(place, "mongodb");
    const data = join(folder, "db");
    mkdirSync(data, { recursive: true });
    const port = await freePort(place.port);
    const host = `127.0.0.1:${port}`;
    const url = mongoUrl(port);
    return {
      ...about(place, "mongodb", url),
      main: {
        command: place.command,
        args: [
          ...["--bind_ip", "127.0.0.1", "--port", String(port), "--nounixsocket", "--dbpath", data],
          ...["--replSet", "rs0", "--wiredTigerCacheSizeGB", "0.25"],
          ...["--setParameter", "diagnosticDataCollectionEnabled=false"],
        ],
        cwd: folder,
        log: join(folder, "mongodb.log"),
      },
      answers: async () => {
        await formReplicaSet(host);
        await mongodbAnswers(url);
      },
      limit: 60_000,
    };
  },
};

/** The member is known by this very address, so drivers find the set and follow it through a restart. */
export function mongoUrl(port: number): string {
  return `mongodb://127.0.0.1:${port}/?replicaSet=rs0`;
}

function about(place: Place, name: PartName, url: string) {
  return { name, source: place.source, url, disposable: place.disposable };
}

function ownFolder(place: Place, name: PartName): string {
  const folder = join(place.folder, name);
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o700);
  return folder;
}
