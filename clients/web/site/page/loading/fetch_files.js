const AT_ONCE = 8;
const TRIES = 4;
const PAUSE_MS = 300;

/** @typedef {(address: string) => Promise<Response>} FetchFile */

/**
 * Fetches files into the browser's cache, a few at a time, and tries those that fail again.
 *
 * Each request in progress takes a process of the server. A new AWS account has ten of them, and
 * refuses what is above, but a browser asks for all modules at once and never tries again.
 * @param {string[]} addresses
 * @param {{fetch?: FetchFile, pause?: (ms: number) => Promise<void>}} [surroundings]
 */
export async function fetchFiles(addresses, surroundings = {}) {
  const { fetch = (address) => globalThis.fetch(address), pause = sleep } = surroundings;
  const left = [...addresses];
  const work = async () => {
    for (let address = left.shift(); address !== undefined; address = left.shift()) {
      await fetchFile(address, fetch, pause);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

/**
 * @param {string} address
 * @param {FetchFile} fetch
 * @param {(ms: number) => Promise<void>} pause
 */
async function fetchFile(address, fetch, pause) {
  for (let tries = 1; tries <= TRIES; tries += 1) {
    if (tries > 1) await pause(PAUSE_MS * 2 ** (tries - 2));
    try {
      const answer = await fetch(address);
      // The browser keeps only complete answers.
      await answer.arrayBuffer();
      if (answer.ok || answer.status === 404) return;
    } catch {
      // The next try, or the import of the module, shows whether the connection is back.
    }
  }
}

/** @param {number} ms */
function sleep(ms) {
  return new Promise((/** @type {(value: void) => void} */ resolve) => setTimeout(resolve, ms));
}
