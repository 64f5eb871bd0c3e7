import { assert } from '../base/assert.ts'
import { NO_UUID, type NodeId, type Offset, type Uuid } from '../base/units.ts'

/** A replica of the metadata log. NO_UUID as directory: not known, matches any (static voters, kraft.version 0). */
export interface ReplicaKey {
  readonly id: NodeId
  readonly directoryId: Uuid
}

export function sameReplica(a: ReplicaKey, b: ReplicaKey): boolean {
  return a.id === b.id && (a.directoryId === b.directoryId || a.directoryId === NO_UUID || b.directoryId === NO_UUID)
}

/** Who votes: a value, so that a later change of voters is another value. */
export class VoterSet {
  readonly voters: readonly ReplicaKey[]
  /** How many make a majority. */
  readonly majority: number

  constructor(voters: readonly ReplicaKey[]) {
    assert(voters.length > 0, 'a quorum has voters')
    assert(new Set(voters.map((voter) => voter.id)).size === voters.length, 'no id votes twice')
    this.voters = voters
    this.majority = Math.floor(voters.length / 2) + 1
  }

  has(replica: ReplicaKey): boolean {
    return this.voters.some((voter) => sameReplica(voter, replica))
  }

  hasId(id: NodeId): boolean {
    return this.voters.some((voter) => voter.id === id)
  }

  others(id: NodeId): readonly ReplicaKey[] {
    return this.voters.filter((voter) => voter.id !== id)
  }

  isMajority(ids: ReadonlySet<NodeId>): boolean {
    return this.voters.filter((voter) => ids.has(voter.id)).length >= this.majority
  }

  /** Whether a majority can still be had when these have said no. */
  canWin(refusals: ReadonlySet<NodeId>): boolean {
    return this.voters.filter((voter) => !refusals.has(voter.id)).length >= this.majority
  }

  /** The largest value that a majority of voters has reached. */
  reachedByMajority(valueOf: (id: NodeId) => number): Offset {
    const values = this.voters.map((voter) => valueOf(voter.id)).sort((a, b) => b - a)
    const reached = values[this.majority - 1]
    assert(reached !== undefined, 'a majority is among the voters')
    return reached
  }
}
