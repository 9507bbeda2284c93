/**
 * The part of the WebAssembly JavaScript interface (W3C) that is used here. Browsers, Node, Deno and Bun have it; TypeScript
 * describes it only together with everything else that browsers have.
 */
interface WebAssemblyInterface {
  validate(bytes: Uint8Array<ArrayBuffer>): boolean;
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: object };
  /** Sizes in pages of 64 KiB. */
  readonly Memory: new (limits: { readonly initial: number; readonly maximum: number }) => { readonly buffer: ArrayBuffer };
}

declare global {
  // A namespace of types without values is all that Node's own description has.
  var WebAssembly: WebAssemblyInterface | undefined;
}

/** Undefined where it is switched off, as by `node --jitless`. */
export const webAssembly: WebAssemblyInterface | undefined = globalThis.WebAssembly;
