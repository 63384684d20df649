import type { ComponentChildren } from "preact";
import { Icon } from "../parts/icon.tsx";
import { hrefOf } from "../place.ts";

interface Props {
  title: string;
  chatId: string;
  testid: string;
  children: ComponentChildren;
}

/** Beside the chat, or over it where there is no room. */
export function Panel({ title, chatId, testid, children }: Props) {
  return (
    <aside class="panel" aria-label={title} data-testid={testid}>
      <header class="bar">
        <h2 class="grow">{title}</h2>
        <a class="icon-button" href={hrefOf({ chatId })} aria-label="Close" data-testid="panel-close">
          <Icon name="close" />
        </a>
      </header>
      <div class="panel-inner">{children}</div>
    </aside>
  );
}
