import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";
import { closeDialog } from "../layers.tsx";
import { Icon } from "./icon.tsx";

/** A window over the page. Focus stays in it, Escape and the ground behind it close it. */
export function Dialog({ title, testid, children }: { title: string; testid?: string; children: ComponentChildren }) {
  const box = useRef<HTMLDialogElement>(null);
  const id = useId();
  useLayoutEffect(() => {
    // In the same breath as what is in it, which nobody sees before.
    const dialog = box.current!;
    dialog.showModal();
    // Closed before it goes, it gives the focus back.
    return () => dialog.close();
  }, []);
  return (
    <dialog
      ref={box}
      class="dialog"
      aria-labelledby={id}
      data-testid={testid}
      onCancel={(event) => {
        event.preventDefault();
        closeDialog();
      }}
      onKeyDown={(event) => event.stopPropagation()}
      onMouseDown={(event) => event.target === box.current && closeDialog()}
    >
      <div class="dialog-inner">
        <header class="dialog-bar">
          <h2 id={id} class="grow">
            {title}
          </h2>
          <button type="button" class="icon-button" aria-label="Close" data-testid="dialog-close" onClick={closeDialog}>
            <Icon name="close" />
          </button>
        </header>
        {children}
      </div>
    </dialog>
  );
}
