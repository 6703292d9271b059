/** The part of Preact and htm that the page uses. */

/** What `html` returns and a component may return. */
export type View = VirtualNode | View[] | string | number | null | undefined | false;

export interface VirtualNode {
  readonly type: unknown;
  readonly props: unknown;
}

export type Setter<S> = (next: S | ((previous: S) => S)) => void;
export type Inputs = readonly unknown[];

export interface Ref<T> {
  current: T;
}

export interface Context<T> {
  Provider(props: { value: T; children?: unknown }): View;
}

export declare function html(strings: TemplateStringsArray, ...values: unknown[]): VirtualNode;
export declare function h(type: unknown, props: unknown, ...children: unknown[]): VirtualNode;
export declare function render(view: View, parent: Element): void;
export declare function createContext<T>(initial: T): Context<T>;
export declare function useContext<T>(context: Context<T>): T;
export declare function useState<S>(initial: S | (() => S)): [S, Setter<S>];
export declare function useReducer<S, A>(
  reducer: (state: S, action: A) => S, initial: S,
): [S, (action: A) => void];
export declare function useEffect(effect: () => void | (() => void), inputs?: Inputs): void;
export declare function useLayoutEffect(effect: () => void | (() => void), inputs?: Inputs): void;
export declare function useRef<T>(initial: T): Ref<T>;
export declare function useMemo<T>(make: () => T, inputs: Inputs): T;
export declare function useCallback<F extends (...args: never[]) => unknown>(
  callback: F, inputs: Inputs,
): F;
export declare function useErrorBoundary(
  onError?: (error: unknown) => void,
): [unknown, () => void];
