/** How long browsers may take to start a download. */
const KEEP_MS = 60_000;

/**
 * Has the browser save a JSON document as a file.
 * @param {string} name
 * @param {unknown} content
 */
export function downloadJson(name, content) {
  const text = `${JSON.stringify(content, null, 2)}\n`;
  const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), KEEP_MS);
}
