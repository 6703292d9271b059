/** Tokens and the secrets of PKCE, without a browser's window. */

/**
 * The answer of a token endpoint (RFC 6749, 5.1).
 * @typedef {{access_token?: unknown, id_token?: unknown, refresh_token?: unknown,
 *   expires_in?: unknown}} TokenAnswer
 */

/** @typedef {Record<string, unknown>} Claims */

const DEFAULT_LIFE_S = 300;

/**
 * Returns random text that can be a PKCE verifier, a state or a nonce.
 * @param {Pick<Crypto, "getRandomValues">} crypto
 */
export function randomText(crypto) {
  return base64Url(crypto.getRandomValues(new Uint8Array(32)));
}

/**
 * Returns the PKCE challenge of a verifier (RFC 7636, method S256).
 * @param {string} verifier
 * @param {SubtleCrypto} subtle
 */
export async function challengeOf(verifier, subtle) {
  const digest = await subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  return base64Url(new Uint8Array(digest));
}

/**
 * Returns the claims of a JWT; null if the token is opaque.
 *
 * The signature is not checked: the token came from the issuer over TLS, and the HTTP API checks
 * it.
 * @param {unknown} token
 * @returns {Claims | null}
 */
export function claimsOf(token) {
  const parts = typeof token === "string" ? token.split(".") : [];
  if (parts.length !== 3) {
    return null;
  }
  try {
    const binary = atob(parts[1].replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
    const claims = JSON.parse(new TextDecoder().decode(bytes));
    return typeof claims === "object" ? claims : null;
  } catch {
    return null;
  }
}

/**
 * Returns the token for the HTTP API and its life; null if the answer has none.
 *
 * Like API Gateway, this reads `client_id` only where `aud` is missing, as in Cognito's access
 * tokens. Other issuers give opaque access tokens, or ones for their own APIs; then the ID token
 * is for the client.
 * @param {TokenAnswer} answer
 * @param {string} audience
 * @returns {{token: string, lifeMs: number} | null}
 */
export function tokenFor(answer, audience) {
  for (const token of [answer.access_token, answer.id_token]) {
    const claims = claimsOf(token);
    const found = claims?.aud ?? claims?.client_id;
    if (claims && (Array.isArray(found) ? found.includes(audience) : found === audience)) {
      return { token: String(token), lifeMs: lifeS(claims, answer) * 1_000 };
    }
  }
  return null;
}

/**
 * Returns the name to show for a user; null if the claims have none.
 * @param {Claims | null} claims of an ID token
 */
export function userName(claims) {
  const names = [claims?.email, claims?.name, claims?.sub];
  return names.find((name) => typeof name === "string" && name !== "")?.toString() ?? null;
}

/**
 * @param {Claims} claims
 * @param {TokenAnswer} answer
 */
function lifeS({ iat, exp }, { expires_in: expiresIn }) {
  // Both times are the issuer's, so a wrong clock of the device does not change the difference.
  const life = typeof iat === "number" && typeof exp === "number" ? exp - iat : Number(expiresIn);
  return life > 0 ? life : DEFAULT_LIFE_S;
}

/** @param {Uint8Array} bytes */
function base64Url(bytes) {
  const base64 = btoa(String.fromCharCode(...bytes));
  return base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
