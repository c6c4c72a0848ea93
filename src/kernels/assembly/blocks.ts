// Blocks of values at addresses: what collectives do where ranks reach each other's payloads.

/** target[i] = a[i] + b[i], rounded to the type; the target may be one of them. */
export function addOf<T>(target: usize, a: usize, b: usize, count: i32): void {
  const bytes = <usize>count * sizeof<T>();
  let i: usize = 0;
  for (; i + 64 <= bytes; i += 64) {
    for (let j: usize = 0; j < 64; j += 16) {
      v128.store(target + i + j, v128.add<T>(v128.load(a + i + j), v128.load(b + i + j)));
    }
  }
  for (; i < bytes; i += sizeof<T>()) store<T>(target + i, load<T>(a + i) + load<T>(b + i));
}

/** The areas do not overlap. */
export function copy(target: usize, source: usize, bytes: i32): void {
  let i: usize = 0;
  for (; i + 64 <= <usize>bytes; i += 64) {
    for (let j: usize = 0; j < 64; j += 16) v128.store(target + i + j, v128.load(source + i + j));
  }
  for (; i < <usize>bytes; i += 4) store<u32>(target + i, load<u32>(source + i));
}

/** Whether a counter that wraps has come as far as wanted, after so many looks at most. */
export function reaches(word: usize, wanted: i32, looks: i32): i32 {
  for (let look = 0; look < looks; look++) if (atomic.load<i32>(word) - wanted >= 0) return 1;
  return 0;
}
