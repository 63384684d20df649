import type { ComponentChildren } from "preact";
import { closePopover, openPopover } from "../layers.tsx";
import { Icon, type IconName } from "./icon.tsx";

export interface MenuItem {
  label: string;
  icon?: IconName;
  danger?: boolean;
  checked?: boolean;
  testid?: string;
  run: () => void;
}

/** A list of things to do, at what it belongs to. */
export function openMenu(
  anchor: Element,
  label: string,
  items: readonly (MenuItem | false | undefined)[],
  top?: ComponentChildren,
): void {
  openPopover(anchor, <Menu label={label} items={items.filter((item): item is MenuItem => Boolean(item))} top={top} />);
}

function Menu({ label, items, top }: { label: string; items: readonly MenuItem[]; top: ComponentChildren }) {
  return (
    <>
      {top}
      <div role="menu" aria-label={label} class="menu" onKeyDown={walk}>
        {items.map(({ label, icon, danger, checked, testid, run }, at) => (
          <button
            key={label}
            type="button"
            role={checked === undefined ? "menuitem" : "menuitemradio"}
            aria-checked={checked}
            class={`menu-item ${danger ? "bad" : ""}`}
            data-testid={testid}
            data-focus={at === 0 || undefined}
            onClick={() => {
              closePopover();
              run();
            }}
          >
            {icon && <Icon name={icon} />}
            <span class="grow">{label}</span>
            {checked && <Icon name="check" />}
          </button>
        ))}
      </div>
    </>
  );
}

/** Up and down go round, Home and End to the ends. */
function walk(event: KeyboardEvent): void {
  const items = [...(event.currentTarget as HTMLElement).querySelectorAll("button")];
  const at = items.indexOf(document.activeElement as HTMLButtonElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  items.at(to % items.length)?.focus();
}
