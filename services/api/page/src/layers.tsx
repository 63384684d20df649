import type { ComponentChildren, VNode } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

/* What lies above the page: dialogs, one popover at a time, and short notices. Anything may open them from anywhere. */

interface Layers {
  dialogs: readonly VNode[];
  popover: { id: number; anchor: Element; content: VNode } | undefined;
  notices: readonly { id: number; words: string }[];
}

const noticeMs = 6000;
const gapPx = 6;
let layers: Layers = { dialogs: [], popover: undefined, notices: [] };
let redraw = () => {};
let count = 0;

function change(changes: Partial<Layers>): void {
  layers = { ...layers, ...changes };
  redraw();
}

export function openDialog(dialog: VNode): void {
  change({ dialogs: [...layers.dialogs, dialog], popover: undefined });
}

export function closeDialog(): void {
  change({ dialogs: layers.dialogs.slice(0, -1) });
}

export function openPopover(anchor: Element, content: VNode): void {
  change({ popover: { id: ++count, anchor, content } });
}

/** Closes the one of that id, or whichever is open. */
export function closePopover(id = layers.popover?.id): void {
  if (layers.popover && layers.popover.id === id) change({ popover: undefined });
}

/** Says something in passing. */
export function tell(words: string): void {
  const id = ++count;
  change({ notices: [...layers.notices, { id, words }] });
  setTimeout(() => change({ notices: layers.notices.filter((notice) => notice.id !== id) }), noticeMs);
}

/** Nothing that one user opened is left for the next; notices go by themselves, and may tell why one is out. */
export function clearLayers(): void {
  change({ dialogs: [], popover: undefined });
}

export function LayersHost() {
  const [, setCount] = useState(0);
  useLayoutEffect(() => {
    redraw = () => setCount((n) => n + 1);
    return () => void (redraw = () => {});
  }, []);
  const { dialogs, popover, notices } = layers;
  const board = useRef<HTMLDivElement>(null);
  // Opened last, they lie above whatever dialog is open.
  useEffect(() => {
    board.current!.hidePopover();
    if (notices.length > 0) board.current!.showPopover();
  }, [dialogs, notices]);
  return (
    <>
      {dialogs.map((dialog, at) => (
        <div key={at}>{dialog}</div>
      ))}
      {popover && (
        <Popover key={popover.id} id={popover.id} anchor={popover.anchor}>
          {popover.content}
        </Popover>
      )}
      <div ref={board} class="notices" popover="manual" role="status" data-testid="notices">
        {notices.map(({ id, words }) => (
          <p key={id}>{words}</p>
        ))}
      </div>
    </>
  );
}

/** Stands at its anchor, where there is room; on a phone the style lays it along the bottom instead. */
function Popover({ id, anchor, children }: { id: number; anchor: Element; children: ComponentChildren }) {
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const popover = box.current!;
    popover.showPopover();
    const at = anchor.getBoundingClientRect();
    const { width, height } = popover.getBoundingClientRect();
    const below = at.bottom + gapPx + height <= innerHeight || at.top < height + gapPx;
    const top = below ? Math.min(at.bottom + gapPx, innerHeight - height - gapPx) : at.top - height - gapPx;
    const left = at.left + width + gapPx <= innerWidth ? at.left : at.right - width;
    popover.style.top = `${Math.max(gapPx, top)}px`;
    popover.style.left = `${Math.max(gapPx, left)}px`;
    (popover.querySelector<HTMLElement>("[data-focus]") ?? popover.querySelector<HTMLElement>("button, input"))?.focus();
  }, []);
  useEffect(() => {
    const close = () => closePopover(id);
    window.addEventListener("resize", close);
    return () => window.removeEventListener("resize", close);
  }, []);
  return (
    <div
      ref={box}
      class="popover"
      popover="auto"
      onToggle={(event) => {
        // It tells this late: another one may be open by then.
        if (event.newState === "closed") closePopover(id);
      }}
    >
      {children}
    </div>
  );
}
