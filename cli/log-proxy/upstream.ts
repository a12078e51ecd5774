import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";
import { RetuneError } from "../../src/engine/errors.ts";

/** Where calls are sent on to, up to "/v1". Throws "usage" for anything but an http or https address without credentials. */
export function upstreamOf(address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password || url.search || url.hash) {
    throw new RetuneError(
      "usage",
      `--endpoint ${JSON.stringify(address)} is no address; write http://host:port/v1 (a key is read from RETUNE_API_KEY)`,
    );
  }
  return url;
}

/** The address of a request's path behind the upstream's own: an app may name the proxy with or without "/v1". */
export function forwarded(upstream: URL, path: string): string {
  const base = upstream.pathname.replace(/\/+$/, "");
  const starts = [base, "/v1"].find(
    (prefix) => prefix !== "" && new RegExp(`^${escaped(prefix)}(?=[/?]|$)`).test(path),
  );
  const rest = base === "" || starts === undefined ? path : path.slice(starts.length);
  return `${upstream.origin}${base}${rest}`;
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

const OF_ONE_HOP =
  /^(connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|host|content-length|expect)$/;
const OF_A_BROWSER = /^(origin|referer|cookie|accept-encoding|sec-.*)$/;

/** What is sent on: the app's headers without those of the connection and of the page it stands on; `key` where it has none. */
export function headersUp(
  given: IncomingHttpHeaders,
  body: Buffer,
  key: string | undefined,
): OutgoingHttpHeaders {
  const kept = Object.entries(given).filter(([name]) => !OF_ONE_HOP.test(name) && !OF_A_BROWSER.test(name));
  const headers: OutgoingHttpHeaders = { ...Object.fromEntries(kept), "accept-encoding": "identity" };
  if (body.length > 0) headers["content-length"] = body.length;
  if (key !== undefined && given.authorization === undefined) headers["authorization"] = `Bearer ${key}`;
  return headers;
}

/** What comes back: the upstream's headers without those of the connection and its own word on origins. */
export function headersDown(given: IncomingHttpHeaders): OutgoingHttpHeaders {
  const kept = Object.entries(given).filter(
    ([name]) => name === "content-length" || (!OF_ONE_HOP.test(name) && !name.startsWith("access-control-")),
  );
  return Object.fromEntries(kept);
}

const SECRET_LENGTH = 16; // shorter ones ("ollama", "EMPTY") are no secrets but words of many a text

/** A line without any key of its request. */
export function withoutKeys(line: string, headers: IncomingHttpHeaders, key: string | undefined): string {
  const bearer = headers.authorization?.replace(/^\w+\s+/, "");
  const given = [bearer, headers["api-key"], headers["x-api-key"], key].flatMap((value) => value ?? []);
  return given
    .filter(({ length }) => length >= SECRET_LENGTH)
    .reduce((text, secret) => text.replaceAll(secret, "***"), line);
}
