import { Component, h, type FunctionComponent } from "preact";

/** A component that is drawn again only when one of its properties, or its own state, has changed. */
export function memo<P extends object>(inner: FunctionComponent<P>) {
  return class extends Component<P> {
    override shouldComponentUpdate(next: Readonly<P>): boolean {
      const names = new Set([...Object.keys(next), ...Object.keys(this.props)]) as Set<keyof P>;
      return [...names].some((name) => name !== "children" && next[name] !== this.props[name]);
    }

    override render() {
      return h(inner, this.props);
    }
  };
}
