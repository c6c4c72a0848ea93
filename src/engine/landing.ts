import type { Progress } from "../collectives/communicator.ts";
import type { FloatArray } from "../kernels/kernels.ts";
import type { Group } from "../normalizers/group.ts";
import type { WireFormat } from "../scenario/number-format.ts";
import type { Control } from "./control.ts";
import { ReleasedError } from "./released.ts";
import { wireArray, wireArrayBytes } from "./wire-array.ts";

interface Area {
  readonly view: FloatArray;
  readonly sequence: number;
  openCount: number;
}

/**
 * Where all-gathers land on one thread. Ranks of a group that are folded on one thread share an
 * area: a gather only copies, so each writes the bits that the others write. Every message is still
 * received by every rank; only the memory is held once (1024 ranks x 513 floats would be 2 GB).
 */
export class Landing {
  readonly #memory: Uint8Array;
  readonly #control: Control;
  readonly #localMembers: (group: Group) => number;
  readonly #areas = new Map<number, Area>();
  #used = 0;

  constructor(memory: Uint8Array, control: Control, localMembers: (group: Group) => number) {
    this.#memory = memory;
    this.#control = control;
    this.#localMembers = localMembers;
  }

  /** The group's area for its collective number `sequence`; waits until an earlier one has been closed by all. */
  *open(group: Group, sequence: number, format: WireFormat, length: number): Progress<FloatArray> {
    let area = this.#areas.get(group.index);
    while (area !== undefined && area.sequence !== sequence) {
      if (this.#control.isAborted) throw new ReleasedError("released while waiting for a landing area");
      yield;
      area = this.#areas.get(group.index);
    }
    if (area === undefined) {
      if (this.#areas.size === 0) this.#used = 0;
      const view = wireArray(this.#memory, format, this.#used, length);
      this.#used += wireArrayBytes(format, length);
      area = { view, sequence, openCount: this.#localMembers(group) };
      this.#areas.set(group.index, area);
    }
    return area.view;
  }

  /** One local rank has read what it gathered. */
  close(group: Group): void {
    const area = this.#areas.get(group.index)!;
    area.openCount--;
    if (area.openCount === 0) this.#areas.delete(group.index);
  }
}
