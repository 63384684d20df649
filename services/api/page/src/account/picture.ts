import { Rejection } from "../parts/form.tsx";

/** The longer side that is sent, in pixels: a phone's photo would be cut down on the server anyhow. */
const most = 512;

/** A picture as base64, made small here; nothing of where and when it was taken stays in it. */
export async function reduce(file: Blob): Promise<string> {
  const picture = await createImageBitmap(file).catch(() => {
    throw new Rejection("That is not a picture that this browser can read.");
  });
  const scale = Math.min(1, most / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  const ground = canvas.getContext("2d")!;
  // What is seen through would be black in a JPEG.
  ground.fillStyle = "#fff";
  ground.fillRect(0, 0, canvas.width, canvas.height);
  ground.drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  return canvas.toDataURL("image/jpeg", 0.9).replace(/^[^,]*,/, "");
}
