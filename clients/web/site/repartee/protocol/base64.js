/**
 * Base64 with the standard alphabet and padding, for chunks of audio.
 *
 * New browsers have native methods, which are several times as fast as the older functions.
 */

const FROM_CHAR_CODE_BYTES = 8_192;

/**
 * @param {Uint8Array} bytes
 * @returns {string}
 */
export function encodeBase64(bytes) {
  const native = /** @type {Uint8Array & {toBase64?: () => string}} */ (bytes);
  if (native.toBase64 !== undefined) {
    return native.toBase64();
  }
  let binary = "";
  for (let start = 0; start < bytes.length; start += FROM_CHAR_CODE_BYTES) {
    // A call has a limited number of arguments.
    binary += String.fromCharCode(...bytes.subarray(start, start + FROM_CHAR_CODE_BYTES));
  }
  return btoa(binary);
}

/**
 * Throws an error if the text is not base64.
 * @param {string} text
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function decodeBase64(text) {
  if (text.length % 4) {
    throw new SyntaxError("the padding is missing");
  }
  const native =
    /** @type {{fromBase64?: (text: string) => Uint8Array<ArrayBuffer>}} */ (
      /** @type {unknown} */ (Uint8Array)
    );
  if (native.fromBase64 !== undefined) {
    return native.fromBase64(text);
  }
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let index = 0; index < binary.length; index += 1) {
    bytes[index] = binary.charCodeAt(index);
  }
  return bytes;
}
