import { useEffect } from "../vendor/preact/standalone.mjs";

/**
 * Gives the focus to an element when a part of the page appears, if the part before it had the
 * focus and is gone. A focus that is elsewhere, such as in the side sheet, stays.
 * @param {() => HTMLElement | null | undefined} find
 */
export function useFocusOnAppearing(find) {
  useEffect(() => {
    const { activeElement } = document;
    if (activeElement === null || activeElement === document.body) {
      find()?.focus({ preventScroll: true });
    }
  }, []);
}
