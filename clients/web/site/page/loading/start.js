/** Starts the page: fetches the modules that `index.html` names, then runs `main.js`. */
import { fetchFiles } from "./fetch_files.js";

const named = [...document.querySelectorAll('meta[name="module"]')];
await fetchFiles(named.map((one) => one.getAttribute("content") ?? ""));
try {
  await import("../main.js");
} catch (error) {
  const place = document.querySelector("#app .boot");
  if (place !== null) {
    place.textContent = "The page could not be loaded. Check the connection and load it again.";
  }
  throw error;
}
