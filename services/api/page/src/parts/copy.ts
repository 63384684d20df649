import { tell } from "../layers.tsx";

/** Puts a text where it can be pasted from, and says so. */
export function copy(text: string, said = "Copied."): void {
  navigator.clipboard.writeText(text).then(
    () => tell(said),
    () => tell("This browser does not let the page copy."),
  );
}
