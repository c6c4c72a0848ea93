import { assert } from "../assert.ts";
import type { Communicator, Progress } from "../collectives/communicator.ts";
import type { LedgerEntry } from "../collectives/ledger.ts";
import type { Kernels } from "../kernels/kernels.ts";
import type { KernelMemory } from "../kernels/wasm.ts";
import type { Group } from "../normalizers/group.ts";
import { arraysIn } from "../training/arrays.ts";
import type { TrainingEnvironment, TrainingThread } from "../training/environment.ts";
import type { ForwardMode, LossSums } from "../training/layer.ts";
import { addEvents, type NumericEvents, noEvents } from "../training/numeric-events.ts";
import { Trainer } from "../training/trainer.ts";
import type { ArenaPlan } from "./arena-plan.ts";
import { payloadView } from "./arena-views.ts";
import type { Fabric } from "./fabric.ts";
import { injectFault } from "./fault.ts";
import type { RankEnds } from "./thread-context.ts";
import { wireArray } from "./wire-array.ts";
import type { Workload } from "./workload.ts";

/** What one rank reports of training steps or of an evaluation. */
export interface TrainingResult {
  readonly rank: number;
  /** One per step or, of an evaluation, one for the rank's whole share of the test set. */
  readonly sums: readonly LossSums[];
  /** The collectives of the first step; every other one was like it. */
  readonly ledger: readonly LedgerEntry[];
  /** Of the network's normalisation layers since training began. */
  readonly events: NumericEvents;
}

/** What all training ranks of a thread share. */
export interface TrainingContext {
  readonly workload: Workload;
  readonly plan: ArenaPlan;
  readonly memory: KernelMemory;
  readonly fabric: Fabric;
  readonly kernels: Kernels;
  readonly groups: readonly (readonly Group[])[];
  readonly world: Group;
  readonly thread: TrainingThread;
  readonly exit: () => void;
}

/** One simulated GPU with a replica of the network: one normaliser after the other, each from the same start. */
export class TrainingRank {
  readonly rank: number;
  readonly #context: TrainingContext;
  readonly #endpoint: RankEnds["endpoint"];
  readonly #caller: RankEnds["caller"];
  #trainer: Trainer | null = null;
  #normalizer = 0;
  #passes = 0;
  #overflows = 0;
  #ledger: LedgerEntry[] = [];
  #sums: LossSums[] = [];

  constructor(rank: number, context: TrainingContext, { endpoint, caller }: RankEnds) {
    this.rank = rank;
    this.#context = context;
    this.#endpoint = endpoint;
    this.#caller = caller;
  }

  /** Forget everything and start over with a normaliser. */
  begin(normalizer: number): void {
    const { workload, plan, memory } = this.#context;
    const bytes = workload.trainingNeeds!.bytes[this.rank]!;
    new Uint8Array(memory.buffer, plan.ranks[this.rank]!.network, bytes).fill(0);
    this.#normalizer = normalizer;
    this.#trainer = new Trainer(this.#environment(normalizer));
    this.#trainer.network.initialize();
    this.#overflows = 0;
  }

  *step(trainingStep: number): Progress<void> {
    const { ledger, overflows } = this.#endpoint;
    const ledgerStart = ledger.length;
    this.#sums.push(yield* this.#trainer!.step(trainingStep));
    this.#overflows += this.#endpoint.overflows - overflows;
    const entries = ledger.splice(ledgerStart);
    if (this.#ledger.length === 0) this.#ledger = entries;
    const [bytes, first] = [entries, this.#ledger].map((list) =>
      list.map(({ bytesSent }) => bytesSent).join(),
    );
    assert(bytes === first, `step ${trainingStep} sent ${bytes} bytes, the first one ${first}`);
  }

  *test(trainingStep: number, batch: number, mode: ForwardMode): Progress<void> {
    const sums = yield* this.#trainer!.test(trainingStep, batch, mode);
    this.#endpoint.ledger.length = 0;
    const before = this.#sums.pop() ?? { loss: 0, errors: 0, tokens: 0 };
    this.#sums.push({
      loss: before.loss + sums.loss,
      errors: before.errors + sums.errors,
      tokens: before.tokens + sums.tokens,
    });
  }

  /** What happened since the last report. */
  report(): TrainingResult {
    const events = noEvents();
    for (const layer of this.#trainer!.network.normalizations) addEvents(events, layer.events);
    addEvents(events, { overflows: this.#overflows });
    const result = { rank: this.rank, sums: this.#sums, ledger: this.#ledger, events };
    this.#sums = [];
    this.#ledger = [];
    this.#context.fabric.control.enter(this.rank, 0, this.#normalizer, "idle");
    return result;
  }

  #environment(normalizer: number): TrainingEnvironment {
    const { workload, plan, memory, fabric, kernels, groups, world, thread, exit } = this.#context;
    const { scenario, storage } = workload;
    const { rank } = this;
    const payload = payloadView(memory, plan, rank);
    const among = (group: Group): Communicator =>
      this.#caller.communicator(group, normalizer, this.#passes++);
    return {
      rank,
      scenario,
      training: scenario.training!,
      storage,
      normalizer: scenario.normalizers[normalizer]!,
      thread,
      arrays: arraysIn(memory.buffer, plan.ranks[rank]!.network, storage),
      kernels,
      group: () => among(groups[normalizer]![rank]!),
      world: () => among(world),
      payload: (count, format = workload.payload) => wireArray(payload, format, 0, count),
      enter(trainingStep, phase) {
        fabric.control.enter(rank, trainingStep, normalizer, phase);
        injectFault(scenario.faults, { rank, trainingStep, phase }, exit);
      },
    };
  }
}
