import { assert } from "../../assert.ts";
import { type LinkClass, linkColumns, type Network } from "./network.ts";

/** One level of a fat tree and the cables below it. */
export interface FatTreeLevel extends LinkClass {
  /** Nodes of the level below that hang on one switch of this level. */
  readonly children: number;
  /** Switches of this level that one node of the level below hangs on. */
  readonly parents: number;
}

/**
 * A fat tree: ranks at the bottom, then one level of switches after another; as many ranks as the
 * product of all `children`. Parents fewer than children of the level below make it oversubscribed.
 *
 * A node of level l has one digit per level: below l which of the parents it is, from l on which of the
 * children. Two nodes of neighbouring levels have a cable if their digits agree but for the one between.
 * The way up is chosen by the target (D-mod-K), so that it never changes; the way down is the only one.
 *
 * @see Zahavi (2010), D-Mod-K routing providing non-blocking traffic for shift permutations on real
 * life fat trees, CCIT report 776
 */
export function fatTreeNetwork(levels: readonly FatTreeLevel[]): Network {
  assert(levels.length >= 1, "a fat tree without levels");
  for (const { children, parents } of levels) {
    assert(Number.isInteger(children) && children >= 1, `a switch with ${children} children`);
    assert(Number.isInteger(parents) && parents >= 1, `a node with ${parents} parents`);
  }
  const ranks = levels.reduce((product, { children }) => product * children, 1);
  const cables = levels.map(({ parents }, level) => nodesOfLevel(levels, level) * parents);
  const firstCable = cables.map((_, level) => cables.slice(0, level).reduce((sum, count) => sum + count, 0));
  return {
    ranks,
    ...linkColumns(levels.map((level, index) => [level, 2 * cables[index]!])),
    longestRoute: 2 * levels.length,
    route: routeOf(levels, firstCable),
    linkName: (link) => {
      const level = firstCable.findLastIndex((first) => 2 * first <= link);
      const { parents } = levels[level]!;
      const cable = (link >> 1) - firstCable[level]!;
      const below = level === 0 ? "rank" : `level ${level} switch`;
      const direction = link % 2 === 0 ? "up to" : "down from";
      return `${below} ${Math.floor(cable / parents)} ${direction} parent ${cable % parents}`;
    },
  };
}

/** Ranks (level 0) or switches of a level. */
function nodesOfLevel(levels: readonly FatTreeLevel[], level: number): number {
  return levels.reduce(
    (product, { children, parents }, index) => product * (index < level ? parents : children),
    1,
  );
}

/**
 * Link 2c goes up cable c and link 2c + 1 goes down; the cables of a level, from `firstCable`, are
 * numbered by the node at their lower end and then by parent.
 */
function routeOf(levels: readonly FatTreeLevel[], firstCable: readonly number[]): Network["route"] {
  const children = levels.map((level) => level.children);
  const parents = levels.map((level) => level.parents);
  /** Levels to climb until one switch is above both ranks. */
  const climb = (source: number, target: number): number => {
    let level = 0;
    let width = 1;
    while (Math.floor(source / width) !== Math.floor(target / width)) width *= children[level++]!;
    return level;
  };
  return (source, target, links) => {
    const top = climb(source, target);
    // The parents chosen so far, as a number, and how many there were to choose from.
    let chosen = 0;
    let choices = 1;
    let width = 1;
    for (let level = 0; level < top; level++) {
      const count = parents[level]!;
      const parent = Math.floor(target / choices) % count;
      const nodeUp = chosen + choices * Math.floor(source / width);
      const nodeDown = chosen + choices * Math.floor(target / width);
      links[level] = 2 * (firstCable[level]! + nodeUp * count + parent);
      links[2 * top - 1 - level] = 2 * (firstCable[level]! + nodeDown * count + parent) + 1;
      chosen += choices * parent;
      choices *= count;
      width *= children[level]!;
    }
    return 2 * top;
  };
}
