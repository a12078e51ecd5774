import { parseRoute, type Route } from "../router.ts";

/** The address of the page as state. */
export class RouteState {
  current: Route = $state.raw(parseRoute(location.hash));

  /** Follows the address bar until the returned function is called. */
  follow(): () => void {
    const read = (): void => {
      this.current = parseRoute(location.hash);
    };
    addEventListener("hashchange", read);
    return () => removeEventListener("hashchange", read);
  }

  go(address: string): void {
    location.hash = address;
  }

  /** Changes the address without a new entry in the history (filters, cursors). */
  replace(address: string): void {
    history.replaceState(null, "", address);
    this.current = parseRoute(address);
  }
}
