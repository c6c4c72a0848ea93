import { assert } from "../../assert.ts";
import { elementsOf, type FeatureMap, positionsOf } from "./feature-map.ts";
import type { Layer, LayerKind } from "./model.ts";

/** One call of a layer, as an operation states it. */
export interface Call {
  readonly name: string;
  readonly kind: LayerKind;
  readonly inputs: readonly FeatureMap[];
  readonly output: FeatureMap;
  readonly parameters?: number;
  readonly forwardFlops?: number;
}

/** A network under construction: operations add their calls in the order of the forward pass. */
export class Network {
  readonly layers: Layer[] = [];
  /** Where in `layers` each name was first called. */
  readonly #first = new Map<string, number>();
  #level = 0;
  /** Layers called before this one are not part of what runs on every level. */
  #levelsStart = 0;
  #isFrozen = false;

  /**
   * Call a layer and return its output.
   *
   * @throws AssertionError if the name is taken, except by the same layer on an earlier level.
   */
  call({ name, kind, inputs, output, parameters = 0, forwardFlops = 0 }: Call): FeatureMap {
    const first = this.#first.get(name);
    const isShared = this.#level > 0 && first !== undefined && first >= this.#levelsStart;
    assert(first === undefined || isShared, `two layers are called ${name}`);
    if (isShared) {
      const owned = this.layers[first]!.parameters;
      assert(owned === parameters, `${name} has ${parameters} parameters, on the first level ${owned}`);
    } else {
      this.#first.set(name, this.layers.length);
    }
    this.layers.push({
      name: isShared ? `${name}[${this.#level}]` : name,
      kind,
      channels: output.channels,
      positions: positionsOf(output),
      inputElements: inputs.reduce((sum, input) => sum + elementsOf(input), 0),
      outputElements: elementsOf(output),
      parameters: isShared ? 0 : parameters,
      forwardFlops,
      isFrozen: this.#isFrozen,
    });
    return output;
  }

  /** Run the same layers on every level of a pyramid: a name called again there means the same weights. */
  onEachLevel(levels: readonly FeatureMap[], build: (map: FeatureMap, level: number) => void): void {
    this.#levelsStart = this.layers.length;
    for (const [level, map] of levels.entries()) {
      this.#level = level;
      build(map, level);
    }
    this.#level = 0;
  }

  /** Build layers that are not trained. */
  frozen(build: () => FeatureMap): FeatureMap {
    this.#isFrozen = true;
    const output = build();
    this.#isFrozen = false;
    return output;
  }
}
