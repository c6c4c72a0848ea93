// What every host has (Node, browsers, workers) and the ES2023 library does not describe.

declare function atob(base64: string): string;

declare namespace WebAssembly {
  class Memory {
    constructor(descriptor: { initial: number; maximum: number; shared: boolean });
    readonly buffer: SharedArrayBuffer;
  }
  class Module {
    private readonly brand: unique symbol;
  }
  class Instance {
    readonly exports: Record<string, (...args: number[]) => void>;
  }
  function compile(bytes: Uint8Array): Promise<Module>;
  function instantiate(module: Module, imports: { env: { memory: Memory } }): Promise<Instance>;
}
