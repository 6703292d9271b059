import { html, useEffect, useState } from "../../vendor/preact/standalone.mjs";
import { Loading, Problem } from "./parts.js";

/**
 * Returns a component whose modules are loaded when it is shown first.
 *
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
      load().then(
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
