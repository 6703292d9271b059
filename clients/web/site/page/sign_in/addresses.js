/** Addresses of the page and of the issuer. */

const ANSWER_PARAMETERS = "code state error error_description error_uri iss session_state";

/**
 * Returns the page's address as the issuer knows it, without query and fragment.
 * @param {string} href
 */
export function pageAddress(href) {
  const { origin, pathname } = new URL(href);
  return `${origin}${pathname}`;
}

/**
 * Returns an address without the parameters of an issuer's answer.
 * @param {string} href
 */
export function cleanAddress(href) {
  const address = new URL(href);
  for (const name of ANSWER_PARAMETERS.split(" ")) {
    address.searchParams.delete(name);
  }
  return address.href;
}

/**
 * Returns an address with more parameters.
 * @param {string} href
 * @param {Record<string, string>} fields empty ones are left out
 */
export function withQuery(href, fields) {
  const address = new URL(href);
  for (const [name, value] of Object.entries(fields)) {
    if (value !== "") {
      address.searchParams.set(name, value);
    }
  }
  return address.href;
}
