import { join } from "node:path";
import express from "express";

const dist = join(import.meta.dirname, "../page/dist");

/** Names that a bundler made from the content: what they name never changes. */
const isHashed = (path: string) => /-[A-Z0-9]{8}\.\w+$/.test(path);

/** The web page, as built. */
export function page(folder = dist) {
  return express.static(folder, {
    redirect: false,
    cacheControl: false,
    setHeaders: (res, path) =>
      void res.setHeader("Cache-Control", isHashed(path) ? "public, max-age=31536000, immutable" : "no-cache"),
  });
}
