import { useEffect, useState } from "preact/hooks";
import { readPlace, type Place } from "./place.ts";

export function usePlace(): Place {
  const [place, setPlace] = useState(() => readPlace(location.hash));
  useEffect(() => {
    const look = () => setPlace(readPlace(location.hash));
    window.addEventListener("hashchange", look);
    return () => window.removeEventListener("hashchange", look);
  }, []);
  return place;
}
