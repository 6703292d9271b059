/**
 * Starts the page: fetches the modules that `index.html` names, and the styles that did not come,
 * then runs `main.js`.
 */
import { fetchFiles } from "./fetch_files.js";

const named = [...document.querySelectorAll('meta[name="module"]')];
/** @type {NodeListOf<HTMLLinkElement>} */
const styles = document.querySelectorAll('link[rel="stylesheet"]');
const refused = [...styles].filter(isMissing);
await fetchFiles([
  ...refused.map((link) => link.href),
  ...named.map((one) => one.getAttribute("content") ?? ""),
]);
for (const link of refused) link.replaceWith(link.cloneNode());
try {
  await import("../main.js");
} catch (error) {
  const place = document.querySelector("#app .boot");
  if (place !== null) {
    place.textContent = "The page could not be loaded. Check the connection and load it again.";
  }
  throw error;
}

/** @param {HTMLLinkElement} link */
function isMissing({ sheet }) {
  try {
    // Chromium gives a refused style an empty sheet.
    return sheet === null || sheet.cssRules.length === 0;
  } catch {
    return true;
  }
}
