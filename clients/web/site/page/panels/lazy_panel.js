import { html, useEffect, useState } from "../../vendor/preact/standalone.mjs";
import { Loading, Problem } from "./parts.js";

const TRIES = 3;
const PAUSE_MS = 400;

/**
 * Loads modules, and tries again when a file does not come.
 * @template T
 * @param {() => Promise<T>} load
 * @param {(ms: number) => Promise<unknown>} [pause]
 * @returns {Promise<T>}
 */
export async function loadAgain(load, pause = sleep) {
  for (let tries = 1; ; tries += 1) {
    try {
      return await load();
    } catch (cause) {
      if (tries === TRIES) {
        const text = "This part of the page did not load. Check your connection, then try again.";
        throw new Error(text, { cause });
      }
      await pause(PAUSE_MS * tries);
    }
  }
}

/**
 * Returns a component whose modules are loaded when it is shown first.
 * @template Props
 * @param {() => Promise<(props: any) => unknown>} load returns the component that is shown
 * @param {(props: Props) => object} propsOf returns its props
 * @returns {(props: Props) => any}
 */
export function lazyPanel(load, propsOf) {
  return function LazyPanel(props) {
    const [loaded, setLoaded] = useState(/** @type {{panel: unknown} | null} */ (null));
    const [error, setError] = useState(/** @type {unknown} */ (null));
    const [attempt, setAttempt] = useState(0);
    useEffect(() => {
      let isMounted = true;
      setError(null);
      loadAgain(load).then(
        (panel) => isMounted && setLoaded({ panel }),
        (problem) => isMounted && setError(problem),
      );
      return () => {
        isMounted = false;
      };
    }, [attempt]);
    if (error !== null) {
      return html`<${Problem} error=${error} onRetry=${() => setAttempt((count) => count + 1)} />`;
    }
    if (loaded === null) return html`<${Loading} />`;
    return html`<${loaded.panel} ...${propsOf(props)} />`;
  };
}

/** @param {number} ms */
function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
