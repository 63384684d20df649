import { setImmediate as turn } from "node:timers/promises";
import { Zip, ZipDeflate } from "fflate";

/** Bytes of a part: in base64 they are 256 KiB. */
export const partBytes = 196_608;
/** Characters that are compressed at once, which holds up everything else for about a millisecond. */
const textAtOnce = 65_536;

/** A zip that is written file after file and leaves in parts, so that it takes the same memory however large it is. */
export class Archive {
  readonly #zip: Zip;
  readonly #put: (part: number, bytes: Buffer) => Promise<void>;
  readonly #names = new Map<string, number>();
  #made: Buffer[] = [];
  #current: { name: string; file: ZipDeflate; text: string } | undefined;
  parts = 0;
  bytes = 0;

  /** `put` is given one part after another, and waited for. */
  constructor(put: (part: number, bytes: Buffer) => Promise<void>) {
    this.#put = put;
    this.#zip = new Zip((err, chunk) => {
      if (err) throw err;
      this.#made.push(Buffer.from(chunk));
    });
  }

  /** The files that it has. */
  get names(): string[] {
    return [...this.#names.keys()];
  }

  /** Writes on in the file, or begins it. */
  async write(name: string, text: string): Promise<void> {
    if (this.#current?.name !== name) await this.#begin(name);
    this.#current!.text += text;
    if (this.#current!.text.length >= textAtOnce) await this.#compress();
  }

  async writeBytes(name: string, bytes: Buffer): Promise<void> {
    await this.#begin(name);
    this.#current!.file.push(bytes);
  }

  async end(): Promise<void> {
    await this.#close();
    this.#zip.end();
    await this.#handOn(1);
  }

  async #begin(name: string): Promise<void> {
    await this.#close();
    // Nothing is put over what is there: a file that is begun once more is another one.
    const times = (this.#names.get(name) ?? 0) + 1;
    this.#names.set(name, times);
    const file = new ZipDeflate(times > 1 ? `${times}-${name}` : name, { level: 6 });
    this.#zip.add(file);
    this.#current = { name, file, text: "" };
  }

  async #close(): Promise<void> {
    if (!this.#current) return;
    await this.#compress(true);
    this.#current = undefined;
  }

  async #compress(isEnd = false): Promise<void> {
    const { file, text } = this.#current!;
    this.#current!.text = "";
    file.push(Buffer.from(text), isEnd);
    await turn();
    await this.#handOn(partBytes);
  }

  /** Hands on full parts, as long as there are so many bytes. */
  async #handOn(least: number): Promise<void> {
    let made = Buffer.concat(this.#made);
    for (; made.length >= least; made = made.subarray(partBytes)) {
      const part = made.subarray(0, partBytes);
      await this.#put(this.parts, part);
      this.parts++;
      this.bytes += part.length;
    }
    this.#made = [made];
  }
}
