// What every response carries. Two pages of one origin (docs/decisions/002-two-pages.md): the sealed page can reach
// nothing but its own origin, by header, workers and wasm included (workers do not inherit a page's policy); the
// connected page may also reach a model hub and the endpoints a person names.

const ISOLATION = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "same-origin",
};

const COMMON = {
  ...ISOLATION,
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
  "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
};

/** @param {string} connect sources of connect-src */
function contentSecurityPolicy(connect) {
  return [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "worker-src 'self'",
    `connect-src ${connect}`,
    "img-src 'self' data: blob:",
    "style-src 'self'",
    "font-src 'self'",
    "manifest-src 'self'",
    "form-action 'none'",
    "frame-src 'none'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "object-src 'none'",
    "require-trusted-types-for 'script'",
  ].join("; ");
}

/** Headers of the sealed page: no connection but to its own origin. @returns {Record<string, string>} */
export function sealedHeaders() {
  return {
    ...COMMON,
    "Content-Security-Policy": contentSecurityPolicy("'self'"),
    "Connection-Allowlist": "(response-origin)",
  };
}

/** Headers of the connected page: a hub or endpoint over https, or one on this machine. @returns {Record<string, string>} */
export function connectedHeaders() {
  return {
    ...COMMON,
    "Content-Security-Policy": contentSecurityPolicy("'self' https: http://127.0.0.1:* http://localhost:*"),
  };
}

/** Headers of the development server: isolation only, so that hot reloading works. @returns {Record<string, string>} */
export function developmentHeaders() {
  return ISOLATION;
}
