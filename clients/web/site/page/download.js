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

/**
 * Returns a name for a file of a day.
 * @param {string} subject
 * @param {number} nowMs
 */
export function fileName(subject, nowMs) {
  return `repartee-${subject}-${new Date(nowMs).toISOString().slice(0, 10)}.json`;
}
