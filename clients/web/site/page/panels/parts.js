/** The states that every panel has: loading, empty, failed, and more to show. */

import { html } from "../../vendor/preact/standalone.mjs";
import { capitalised } from "../formatting.js";
import { Icon } from "../icons.js";

/**
 * Returns the text of a problem for the user: the server's message, or what the browser reports.
 * @param {unknown} error
 */
function problemText(error) {
  return capitalised((error instanceof Error && error.message) || "Something went wrong.");
}

/** @param {{label?: string}} props */
export function Loading({ label = "Loading…" }) {
  return html`<p class="panel-loading soft" role="status">${label}</p>`;
}

/**
 * Shows why a request failed, and a button that repeats it.
 * @param {{error: unknown, onRetry?: () => void}} props
 */
export function Problem({ error, onRetry }) {
  return html`<div class="panel-problem" role="alert">
    <${Icon} name="notice" />
    <p>${problemText(error)}</p>
    ${onRetry && html`<button type="button" class="button" onClick=${onRetry}>Try again</button>`}
  </div>`;
}

/**
 * Shows what belongs below a list: that it loads, that it failed, or a button for more.
 * @template T
 * @param {{list: import("./paged_list.js").PagedList<T>, more: string}} props
 */
export function ListEnd({ list, more }) {
  if (list.status === "failed") {
    return html`<${Problem} error=${list.error} onRetry=${() => list.retry()} />`;
  }
  if (list.status === "loading") {
    const isRefresh = list.items.length > 0 && !list.isBeyondFirst;
    return isRefresh ? null : html`<${Loading} />`;
  }
  if (!list.hasMore) return null;
  return html`<button type="button" class="button panel-more" onClick=${() => list.loadMore()}>
    ${more}
  </button>`;
}
