import { assert } from '../base/assert.ts'
import { RaftFaults, settledAfterMs } from './raft-faults.ts'
import type { SimulatedNode } from './raft-simulated-node.ts'
import { drawOptions, type SimulationOptions } from './raft-simulation-options.ts'
import { RaftWorld } from './raft-world.ts'

/**
 * Core simulation: whole quorums of machines on one seeded scheduler, under faults; the oracle's invariants hold after every event. Then all
 * is healed, and a leader and convergence are demanded (RAFT-15). The seed draws every option.
 */

export interface SimulationResult {
  readonly options: SimulationOptions
  readonly events: number
  readonly elections: number
  /** Those after the cluster had time to settle. */
  readonly lateElections: number
  readonly committed: number
  /** From the end of the faults to a leader that may act. */
  readonly healedLeaderMs: number
  /** Same seed, same digest. */
  readonly digest: number
}

export class SimulationFailure extends Error {
  override readonly name = 'SimulationFailure'
}

/** @throws SimulationFailure with the seed's story. */
export function simulate(seed: number, changes: Partial<SimulationOptions> = {}): SimulationResult {
  const world = new RaftWorld({ ...drawOptions(seed), ...changes })
  try {
    return new Simulation(world).run()
  } catch (error) {
    const why = error instanceof Error ? (error.stack ?? error.message) : String(error)
    throw new SimulationFailure(`seed ${seed} at ${world.now.toFixed(1)} ms: ${why}\n${JSON.stringify(world.options)}\n${world.story()}`)
  }
}

const firstStartMaxMs = 200
const healMaxMs = 60_000
const settleMaxMs = 20_000

class Simulation {
  private readonly world: RaftWorld
  private readonly faults: RaftFaults

  constructor(world: RaftWorld) {
    this.world = world
    this.faults = new RaftFaults(world)
  }

  run(): SimulationResult {
    const { options } = this.world
    for (const node of this.world.nodes) this.world.after(this.world.random.below(firstStartMaxMs), () => this.world.start(node))
    this.world.every(options.proposeEveryMs, () => this.faults.propose())
    this.world.every(options.crashEveryMs, () => this.faults.crashOne())
    this.world.every(options.rotEveryMs, () => this.faults.rotOne())
    this.world.every(options.pauseEveryMs, () => this.faults.pauseOne())
    this.world.every(options.partitionEveryMs, () => this.faults.partition())
    this.world.every(options.isolateFollowerEveryMs, () => this.faults.isolateFollower())
    this.world.every(options.snapshotEveryMs, () => this.faults.snapshotOne())
    this.world.every(options.resignEveryMs, () => this.faults.resignOne())
    this.world.runUntil(settledAfterMs, () => false)
    const early = this.world.oracle.elections
    this.world.runUntil(options.faultsMs, () => false)
    this.faults.heal()
    const healedAt = this.world.now
    const led = this.world.runUntil(healedAt + healMaxMs, () => this.establishedLeader() !== null)
    assert(led, `RAFT-15: no leader ${healMaxMs} ms after all was healed`)
    const healedLeaderMs = this.world.now - healedAt
    this.settle()
    return {
      options,
      events: this.world.events,
      elections: this.world.oracle.elections,
      lateElections: this.world.oracle.elections - early,
      committed: this.world.oracle.committed.length,
      healedLeaderMs,
      digest: this.world.digest,
    }
  }

  /** After healing a few more records are committed everywhere. */
  private settle(): void {
    const target = this.world.oracle.committed.length + 5
    const done = this.world.runUntil(this.world.now + settleMaxMs, () => this.world.oracle.committed.length >= target)
    assert(done, 'RAFT-15: nothing is committed after all was healed')
    this.faults.proposing = false
    const converged = this.world.runUntil(this.world.now + settleMaxMs, () => this.world.nodes.every((node) => this.isConverged(node)))
    assert(converged, 'RAFT-15: the nodes do not converge')
    this.world.oracle.checkConverged(this.world.nodes)
  }

  private isConverged(node: SimulatedNode): boolean {
    const { machine } = node
    return (
      machine !== null && machine.highWatermark === this.world.oracle.committed.length && machine.logEndOffset === machine.highWatermark
    )
  }

  private establishedLeader(): SimulatedNode | null {
    const leaders = this.world.voters.filter((node) => node.machine?.role === 'leader')
    const newest = leaders.sort((a, b) => (b.machine?.epoch ?? 0) - (a.machine?.epoch ?? 0))[0]
    return newest !== undefined && newest.machine?.epochBefore(newest.machine.highWatermark) === newest.machine?.epoch ? newest : null
  }
}
