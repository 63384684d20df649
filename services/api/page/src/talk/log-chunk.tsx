import { Component, Fragment } from "preact";
import { dayOf } from "../time.ts";
import { LineText } from "./line.tsx";
import { Bubble } from "./message.tsx";
import { sameRows, type Chunk } from "./rows.ts";

/** Some dozens of rows. It is drawn again only when one of them has changed, and the browser passes it over out of sight. */
export class LogChunk extends Component<{ chunk: Chunk }> {
  override shouldComponentUpdate(next: { chunk: Chunk }): boolean {
    return !sameRows(this.props.chunk.rows, next.chunk.rows);
  }

  override render() {
    return (
      <div class="log-chunk">
        {this.props.chunk.rows.map((row) => (
          <Fragment key={row.key}>
            {row.day && <h3 class="day">{dayOf(row.at)}</h3>}
            {row.kind === "message" && row.divider && (
              <p class="divider" data-testid="divider">
                <span>New messages</span>
              </p>
            )}
            {row.kind === "message" ? <Bubble row={row} /> : <LineText row={row} />}
          </Fragment>
        ))}
      </div>
    );
  }
}
