/* The one place that reads process.env. */

interface Declaration<T> {
  /** One line of help. */
  about: string;
  /** What it must look like, in words. */
  shape: string;
  default?: T;
  /** Never logged, never told to other nodes, no default in production. */
  secret?: boolean;
  /** Whether there must be a value; `production`: only with NODE_ENV=production. */
  required?: boolean | "production";
  /** An example for `.env.example` where there is no default. */
  example?: string;
  parse: (text: string) => T | undefined;
}

export type Env = Record<string, string | undefined>;

type Options<T> = Pick<Declaration<T>, "about"> & Partial<Declaration<T>>;
/** A declaration that remembers in its type whether there is always a value. */
type Declared<T, O> = Declaration<T> & (O extends { default: T } | { required: true } ? { always: true } : object);

const declared = <T, const O extends Options<T>>(kind: Pick<Declaration<T>, "shape" | "parse">, options: O) =>
  ({ ...kind, ...options }) as unknown as Declared<T, O>;

export const text = <const O extends Options<string>>(options: O) =>
  declared<string, O>({ shape: "text", parse: (given) => given }, options);

export function integer<const O extends Options<number>>({
  min = 0,
  max = Number.MAX_SAFE_INTEGER,
  ...options
}: O & { min?: number; max?: number }) {
  const shape = max === Number.MAX_SAFE_INTEGER ? `a whole number from ${min}` : `a whole number from ${min} to ${max}`;
  const parse = (given: string) =>
    /^\d+$/.test(given) && Number(given) >= min && Number(given) <= max ? Number(given) : undefined;
  return declared<number, O>({ shape, parse }, options as unknown as O);
}

export const flag = <const O extends Options<boolean>>(options: O) =>
  declared<boolean, O>({ shape: "on or off", parse: (given) => ({ on: true, off: false })[given] }, options);

export const oneOf = <const T extends string, const O extends Options<NoInfer<T>>>(values: readonly T[], options: O) =>
  declared<T, O>({ shape: `one of ${values.join(", ")}`, parse: (given) => values.find((value) => value === given) }, options);

export const url = <const O extends Options<string>>(protocols: readonly string[], options: O) =>
  declared<string, O>(
    {
      shape: protocols.map((protocol) => `${protocol}://…`).join(" or "),
      parse: (given) => (URL.canParse(given) && protocols.includes(new URL(given).protocol.slice(0, -1)) ? given : undefined),
    },
    options,
  );

export const list = <const O extends Options<string[]>>(options: O) =>
  declared<string[], O>(
    {
      shape: "words with commas between them",
      parse: (given) =>
        given
          .split(",")
          .map((word) => word.trim())
          .filter(Boolean),
    },
    options,
  );

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a table of declarations of any type
type Declarations = Record<string, Declaration<any>>;
type ValueOf<D> = D extends Declaration<infer T> ? (D extends { always: true } ? T : T | undefined) : never;
export type Values<D> = { [K in keyof D]: ValueOf<D[K]> };
/** What is wrong with a value, or with several together. */
export interface Fault {
  name: string;
  wanted: string;
  wantedBy: string;
}

export interface Settings<D extends Declarations = Declarations> {
  owner: string;
  declarations: D;
  /** Values and faults, without throwing. */
  check(env?: Env): { values: Values<D>; faults: Fault[] };
  /** The values, in the form of a Moleculer service's `settings`: secrets stay on this node. */
  read(env?: Env): Values<D> & { $secureSettings: string[] };
}

/** Settings of any owner. */
export type AnySettings = Pick<Settings, "owner" | "declarations"> & { check(env?: Env): { faults: Fault[] } };

export class SettingsError extends Error {
  constructor(faults: Fault[]) {
    const byName = Map.groupBy(faults, (fault) => fault.name);
    const lines = [...byName].map(([name, same]) => {
      const by = [...new Set(same.map((fault) => fault.wantedBy))].join(", ");
      return `  ${name}: ${same[0]!.wanted} (wanted by ${by})`;
    });
    super(`These settings are wrong or missing:\n${lines.join("\n")}`);
    this.name = "SettingsError";
  }
}

/**
 * Declares the environment variables that one owner reads. From this come the typed values, the message that names
 * a wrong one, the rows of `.env.example` and of docs/settings.md.
 */
export function declareSettings<const D extends Declarations>(
  owner: string,
  declarations: D,
  rule: (values: Values<D>) => Omit<Fault, "wantedBy">[] = () => [],
): Settings<D> {
  function check(env: Env = process.env) {
    const production = env["NODE_ENV"] === "production";
    const faults: Fault[] = [];
    const values: Record<string, unknown> = {};
    for (const [name, declared] of Object.entries(declarations)) {
      const given = env[name];
      if (given === undefined || given === "") {
        values[name] = declared.default;
        const required = declared.required === true || (declared.required === "production" && production);
        if (required) faults.push({ name, wanted: `is missing; it must be ${declared.shape}`, wantedBy: owner });
        continue;
      }
      values[name] = declared.parse(given);
      if (values[name] === undefined) faults.push({ name, wanted: `must be ${declared.shape}`, wantedBy: owner });
    }
    const wrong = new Set(faults.map(({ name }) => name));
    // A rule looks at several values at once; where one of them is wrong it is taken for the default.
    const usual = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value ?? declarations[name]!.default]));
    const broken = rule(usual as Values<D>).filter(({ name }) => !wrong.has(name));
    faults.push(...broken.map((fault) => ({ ...fault, wantedBy: owner })));
    return { values: values as Values<D>, faults };
  }
  return {
    owner,
    declarations,
    check,
    read(env) {
      const { values, faults } = check(env);
      if (faults.length > 0) throw new SettingsError(faults);
      const secrets = Object.keys(declarations).filter((name) => declarations[name]!.secret);
      return { ...values, $secureSettings: secrets };
    },
  };
}

const merge = (parts: object[]) => Object.assign({}, ...parts) as never;

/** The settings of several owners that one service reads, as one. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- settings with declarations of any kind
export function joinSettings<const S extends readonly Settings<any>[]>(
  ...all: S
): Settings<UnionToIntersection<S[number]["declarations"]> & Declarations> {
  return {
    owner: all.at(-1)!.owner,
    declarations: merge(all.map(({ declarations }) => declarations as object)),
    check(env) {
      const checked = all.map((settings) => settings.check(env));
      return { values: merge(checked.map(({ values }) => values)), faults: checked.flatMap(({ faults }) => faults) };
    },
    read(env) {
      const read = all.map((settings) => settings.read(env));
      return merge([...read, { $secureSettings: read.flatMap(({ $secureSettings }) => $secureSettings) }]);
    },
  };
}

type UnionToIntersection<U> = (U extends unknown ? (u: U) => void : never) extends (i: infer I) => void ? I : never;

/** Checks the settings of everything that a process runs, by who wants them, and names all faults at once. */
export function checkSettings(all: Record<string, AnySettings>, env?: Env): void {
  const faults = Object.entries(all).flatMap(([wantedBy, settings]) =>
    settings.check(env).faults.map((fault) => ({ ...fault, wantedBy })),
  );
  if (faults.length > 0) throw new SettingsError(faults);
}

/** A default as one would write it in the environment. */
export function presentDefault({ default: value }: { default?: string | number | boolean | string[] }): string {
  if (typeof value === "boolean") return value ? "on" : "off";
  return value === undefined ? "" : String(value);
}

/** An `.env.example` that shows every setting with its help, shape and default. */
export function presentEnvExample(all: readonly AnySettings[]): string {
  const rows = all.flatMap((settings) => Object.entries(settings.declarations));
  return [...new Map(rows)]
    .map(([name, d]) => {
      const value = d.default === undefined ? (d.example ?? "") : presentDefault(d);
      const required = d.required === true ? " Required." : d.required === "production" ? " Required in production." : "";
      return `# ${d.about} (${d.shape})${required}\n${d.required === true ? "" : "# "}${name}=${value}\n`;
    })
    .join("\n");
}
