import { Gate } from "@confab/mixins/gate.ts";
import { badField, problem } from "@confab/mixins/problem.ts";
import sharp from "sharp";

/** Pixels on each side. */
const side = 256;
const mostPixels = 50_000_000;
const patienceSeconds = 15;
/** A picture of that size takes 200 MB while it is read. */
const gate = new Gate(2, 20);

// What was read of one picture is of no use for the next, and two at once have the cores busy.
sharp.cache(false);
sharp.concurrency(1);

const beginnings: readonly [form: string, begins: RegExp][] = [
  ["JPEG", /^\xff\xd8\xff/],
  ["PNG", /^\x89PNG\r\n\x1a\n/],
  ["WebP", /^RIFF[^]{4}WEBP/],
  ["GIF", /^GIF8[79]a/],
];

/** The type is read from the bytes, and from nothing that anybody says about them: no other decoder is ever asked. */
const isKnownPicture = (bytes: Buffer) => beginnings.some(([, begins]) => begins.test(bytes.toString("latin1", 0, 16)));

/** The picture of a profile: upright, cut square, small, and without anything else that the file held. */
export async function cutAvatar(image: string): Promise<{ type: string; base64: string }> {
  const bytes = Buffer.from(image, "base64");
  if (!isKnownPicture(bytes)) throw badField("image", "image", "must be a JPEG, PNG, WebP or GIF, in base64");
  if (gate.isFull) throw problem("unavailable", { retryAfter: 2 });
  const cut = await gate.run(() => cutSquare(bytes));
  return { type: "image/webp", base64: cut.toString("base64") };
}

async function cutSquare(bytes: Buffer): Promise<Buffer> {
  try {
    // Metadata (EXIF, and the place in it) is kept only where it is asked for.
    return await sharp(bytes, { limitInputPixels: mostPixels })
      .timeout({ seconds: patienceSeconds })
      .autoOrient()
      .resize(side, side, { fit: "cover" })
      .webp()
      .toBuffer();
  } catch (err) {
    if (/pixel limit/.test((err as Error).message))
      throw badField("image", "too_large", `must not have more than ${mostPixels / 1_000_000} million pixels`);
    throw badField("image", "image", "is not a picture that can be read");
  }
}
