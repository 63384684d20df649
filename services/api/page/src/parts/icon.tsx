/** Drawn by lines on a field of 24 by 24. */
const paths = {
  add: "M12 5v14M5 12h14",
  archive: "M4 5h16v4H4zM6 9v10h12V9M10 13h4",
  back: "M15 5l-7 7 7 7",
  ban: "M12 3a9 9 0 100 18 9 9 0 000-18zM5.6 5.6l12.8 12.8",
  bell: "M6 16V11a6 6 0 0112 0v5l2 2H4zM10 21h4",
  check: "M5 12.5l4.5 4.5L19 7",
  checks: "M2 12.5l4.5 4.5L15 8M11 16.5l.5.5L21 8",
  clock: "M12 3a9 9 0 100 18 9 9 0 000-18zM12 7v5l3 2",
  close: "M6 6l12 12M18 6L6 18",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  down: "M12 5v14M6 13l6 6 6-6",
  edit: "M4 20l1-4L16 5l3 3L8 19zM14 7l3 3",
  eye: "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zM12 9a3 3 0 100 6 3 3 0 000-6z",
  flag: "M6 21V4h12l-2.5 4.5L18 13H6",
  gear: "M12 9a3 3 0 100 6 3 3 0 000-6zM12 2.5v3M12 18.5v3M2.5 12h3M18.5 12h3M5.3 5.3l2.1 2.1M16.6 16.6l2.1 2.1M5.3 18.7l2.1-2.1M16.6 7.4l2.1-2.1",
  group:
    "M9 5a3.2 3.2 0 100 6.4A3.2 3.2 0 009 5zM3 19c0-3.2 2.7-5 6-5s6 1.8 6 5M15.5 5.3a3.2 3.2 0 010 5.8M17.5 14.4c2 .6 3.5 2.2 3.5 4.6",
  info: "M12 3a9 9 0 100 18 9 9 0 000-18zM12 11v5M12 7.8v.2",
  leave: "M10 4H5v16h5M14 8l4 4-4 4M18 12H9",
  link: "M10 14a4 4 0 005.7 0l3-3A4 4 0 0013 5.3l-1 1M14 10a4 4 0 00-5.7 0l-3 3a4 4 0 005.7 5.7l1-1",
  mention: "M12 8.5a3.5 3.5 0 100 7 3.5 3.5 0 000-7zM15.5 8.5V13c0 3.5 5 3 5-1a8.5 8.5 0 10-3.5 6.9",
  more: "M5.5 12h.01M12 12h.01M18.5 12h.01",
  mute: "M6 16V11a6 6 0 019-5.2M18 11v5l2 2H6M10 21h4M4 3l16 18",
  next: "M9 5l7 7-7 7",
  person: "M12 4a4 4 0 100 8 4 4 0 000-8zM5 20c0-3.6 3.1-5.5 7-5.5s7 1.9 7 5.5",
  pin: "M9 4h6l-.8 6 3 3.5H6.8L9.8 10zM12 13.5V21",
  reply: "M10 6L4 12l6 6M4 12h9c4 0 7 2 7 6",
  search: "M11 4a7 7 0 100 14 7 7 0 000-14zM16 16l5 5",
  send: "M12 19V5M5 12l7-7 7 7",
  shield: "M12 3l8 3v6c0 5-4 7.5-8 9-4-1.5-8-4-8-9V6z",
  smile: "M12 3a9 9 0 100 18 9 9 0 000-18zM8.5 14.5c1 1.3 2.2 2 3.5 2s2.5-.7 3.5-2M9 9.5v.2M15 9.5v.2",
  trash: "M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5M14 11v5",
  up: "M12 19V5M6 11l6-6 6 6",
  write: "M12 5H5v14h14v-7M10 14l1-3 8.5-8.5 2 2L13 13z",
} as const;
export type IconName = keyof typeof paths;

export function Icon({ name, label }: { name: IconName; label?: string }) {
  return (
    <svg class={`icon icon-${name}`} viewBox="0 0 24 24" role={label ? "img" : undefined} aria-label={label} aria-hidden={!label}>
      <path d={paths[name]} />
    </svg>
  );
}
