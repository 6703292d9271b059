import { useEffect, useMemo, useState } from "../../vendor/preact/standalone.mjs";
import { PagedList } from "./paged_list.js";

/**
 * Loads a list while its component is mounted, and again when an input changes.
 * @template T
 * @param {(after: string | number | undefined) => Promise<import("./paged_list.js").Page<T>>} load
 * @param {unknown[]} inputs
 * @returns {PagedList<T>}
 */
export function usePagedList(load, inputs) {
  const [, showChange] = useState(0);
  const list = useMemo(() => new PagedList(load, () => showChange((count) => count + 1)), inputs);
  useEffect(() => {
    void list.reload();
    return () => list.close();
  }, [list]);
  return list;
}
