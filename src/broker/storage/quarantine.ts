import type { Log } from '../../base/ports.ts'
import type { Epoch, NodeId, Uuid } from '../../base/units.ts'
import type { CorruptLogError } from '../../log/outcomes.ts'
import { DIRECTORY_LOST, directoryOf, isTrusted, type PartitionImage } from '../../metadata/partition-image.ts'
import type { DirectoryAssignments } from './directory-assignments.ts'

/** A replica of this broker, as far as its quarantine goes. */
export interface Quarantined {
  readonly name: string
  readonly topicId: Uuid
  readonly partition: number
  /** Fetches no more with the log that it has. */
  distrust(): void
}

/** What is to be done with a replica in which rot was found. */
export type QuarantineStep = 'wait' | 'give up' | 'set aside'

interface Case {
  /** The leader epoch in which the controller was asked to take the replica for lost; null: not yet. */
  askedIn: Epoch | null
  hasTold: boolean
}

/**
 * A replica in whose log bytes do not check, and that did once, cannot be trusted: what else the disk has damaged nobody knows (S-5). It is given up as
 * a whole and fetched again from its peers, every byte of it with its checksum.
 *
 *   sound --rot is found--> waiting --others have all that is committed--> given up (LOST) --metadata says so--> set aside; a new log is fetched
 *              ▲                ▲                                            │
 *              │                └── it is the last in-sync replica after all ─┘ (placeToTell takes it back)
 *              └──── it has caught up with its leader, joins the ISR, and metadata learns its directory again
 *
 *  1. The files are touched only when metadata says that the replica is lost, that it is neither in the ISR nor eligible, and that another one leads. So nothing
 *     is thrown away that nobody else has; the last in-sync replica goes on with what is good of it, and the rest is refused.
 *  2. That the replica is lost is in the metadata log before anything happens to the files, and stays there until the replica has joined the ISR: who crashes in
 *     between finds it there, and neither a crash nor an election makes an empty or half-fetched log a leader (PartitionChangeBuilder: a replica
 *     in LOST is not elected).
 *  3. As a leader it hands over with the same record. The leader epoch rises with it, and in the new epoch it fetches only with its new log: no
 *     fetch of the old one can bring it into the ISR. As a follower it stops fetching when rot is found.
 *  4. The old files are renamed as Kafka does with what is stray, and are kept for a while.
 *
 * LOST by KIP-858 means that no directory has the replica, which is what its broker says of it. Cutting the log before the rotten batch was rejected: it
 * fetches less, but trusts the rest of a disk that has just lied, and a log that ends early must not be taken for one that is complete.
 */
export class Quarantine {
  private readonly cases = new WeakMap<Quarantined, Case>()
  private readonly brokerId: NodeId
  private readonly assignments: Pick<DirectoryAssignments, 'tell'>
  private readonly log: Log
  /** Replicas in which rot was found since the start. */
  found = 0

  constructor(brokerId: NodeId, assignments: Pick<DirectoryAssignments, 'tell'>, log: Log) {
    this.brokerId = brokerId
    this.assignments = assignments
    this.log = log
  }

  isRotten(replica: Quarantined): boolean {
    return this.cases.has(replica)
  }

  /** Rot was come across. True: first seen of this replica; look at what metadata says of it now. */
  onRot(replica: Quarantined, error: CorruptLogError): boolean {
    if (this.cases.has(replica)) return false
    this.found += 1
    this.cases.set(replica, { askedIn: null, hasTold: false })
    this.log.write('error', 'replica-rotten', `${replica.name}: ${error.message} (offset ${error.soundUntil})`, rotFields(error))
    replica.distrust()
    return true
  }

  /** Metadata says this of a replica; what is to be done with its files now. */
  look(replica: Quarantined, state: PartitionImage): QuarantineStep {
    const found = this.cases.get(replica)
    if (found === undefined) return 'wait'
    const step = stepFor(state, this.brokerId, found.askedIn)
    if (step === 'give up' && found.askedIn !== state.leaderEpoch) {
      found.askedIn = state.leaderEpoch
      this.assignments.tell({ topicId: replica.topicId, partition: replica.partition, directory: DIRECTORY_LOST })
    }
    if (step === 'wait' && !found.hasTold) {
      found.hasTold = true
      this.log.write('error', 'replica-irreplaceable', `${replica.name}: ${whatToDo}`)
    }
    return step
  }
}

const whatToDo =
  'no other replica is in sync, so nothing is thrown away: what is sound is served, reads of the rest are refused. Bring back a broker with ' +
  'another replica; or, if there is none, delete the records up to the damaged ones (kafka-delete-records), or restore the file from a backup with the broker stopped'

export function rotFields(error: CorruptLogError): Readonly<Record<string, string | number>> {
  return { file: error.path, position: error.position, offset: error.soundUntil, reason: error.reason }
}

/** `askedIn`: see Case. */
export function stepFor(state: PartitionImage, broker: NodeId, askedIn: Epoch | null): QuarantineStep {
  if (state.isr.includes(broker)) return state.isr.length > 1 ? 'give up' : 'wait'
  if (state.leader < 0 || state.leader === broker) return 'wait'
  const isLost =
    !isTrusted(state, broker) && directoryOf(state, broker) === DIRECTORY_LOST && askedIn !== null && state.leaderEpoch > askedIn
  return isLost ? 'set aside' : 'give up'
}

/** What to do with a log that could not be opened for its rot; nothing of it was hosted. */
export function stepForUnopened(state: PartitionImage, broker: NodeId): QuarantineStep {
  return !isTrusted(state, broker) && state.leader >= 0 && state.leader !== broker ? 'set aside' : 'wait'
}
