// What a part is, seen from a test: somewhere to connect to, and something to break.

export type PartName = "rabbitmq" | "redis" | "mongodb";

export const partNames: readonly PartName[] = ["rabbitmq", "redis", "mongodb"];

/** Where a part came from: a URL that was given, a binary found here, a container, or packages we installed. */
export type Source = "environment" | "path" | "docker" | "packages";

export interface Part {
  readonly name: PartName;
  readonly source: Source;
  readonly url: string;
  /** The processes that are ours at this moment. Empty for a container or a URL that was given. */
  pids(): number[];
  /** Starts it on the same port and the same data, and waits until it answers. Does nothing while it runs. */
  start(): Promise<void>;
  /** Asks it to end, and waits until it has. */
  stop(): Promise<void>;
  /** SIGKILL: the power cut. */
  kill(): Promise<void>;
  restart(): Promise<void>;
  /** SIGSTOP: connections stay open, nothing answers. */
  pause(): Promise<void>;
  resume(): Promise<void>;
}

/** A part as `startParts` holds it: `close` ends it for good, with whatever belongs to it. */
export interface OwnedPart extends Part {
  close(): Promise<void>;
}

/** Every reason why the parts cannot be had, gathered for each part that is missing. */
export class PartsUnavailable extends Error {
  readonly reasons: Partial<Record<PartName, string[]>>;

  constructor(reasons: Partial<Record<PartName, string[]>>) {
    super(describe(reasons));
    this.name = "PartsUnavailable";
    this.reasons = reasons;
  }
}

function describe(reasons: Partial<Record<PartName, string[]>>): string {
  const lines = ["The real parts cannot be had, so nothing that needs them was run."];
  for (const name of partNames) {
    const tried = reasons[name];
    if (!tried) continue;
    lines.push("", `  ${name.toUpperCase()}`);
    for (const reason of tried) lines.push(`    - ${reason.trimEnd().replaceAll("\n", "\n      ")}`);
  }
  return [...lines, "", "tools/parts/README.md tells how to provide them.", ""].join("\n");
}
