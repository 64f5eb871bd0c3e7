import type { Prng } from '../../base/prng.ts'
import type { NodeId } from '../../base/units.ts'
import { batchHeaders } from '../../protocol/records/batch-header.ts'
import { MalformedError } from '../../protocol/reader.ts'
import type { ClusterWorld, WorldNode } from '../cluster-world.ts'
import type { Misdirection } from '../memory-disk.ts'
import { sectorBytes } from '../memory-file.ts'
import type { Damages } from './damages.ts'
import type { PlannedFault } from './fault-kinds.ts'
import type { Begun } from './faults.ts'
import type { Nodes } from './nodes.ts'
import type { PowerPermission } from './permission.ts'
import type { Story } from './story.ts'

export interface RotSurroundings {
  readonly world: ClusterWorld
  readonly nodes: Nodes
  readonly permission: PowerPermission
  readonly damages: Damages
  readonly story: Story
  readonly prng: Prng
}

const damageKinds = ['bit', 'run', 'zeros', 'truncation', 'misplaced'] as const
type DamageKind = (typeof damageKinds)[number]

const segmentName = /\/[^/]+-\d+\/\d{20}\.log$/
const metadataFolder = '/__cluster_metadata-'
/** Of a replica besides its segments; and of a log directory, about all of them. */
const otherNames = /\.(index|timeindex|snapshot)$|^leader-epoch-checkpoint$/
const directoryNames = ['recovery-point-offset-checkpoint', 'replication-offset-checkpoint', 'log-start-offset-checkpoint']
const runBytesMax = 64

/**
 * A disk that changes bytes and says nothing:
 *
 *  - `rot`: a flipped bit, a run of bytes, a block of zeros, a lost end, a valid batch in the place of another. In segments while the node runs; in any file of a
 *    replica, and in the checkpoints of a log directory, while it is down after a clean stop or a loss of power.
 *  - `misdirected`: a write of a batch lands at another place of its file or in another file, or nowhere, though the disk has acknowledged it.
 *
 * What may be judged (`PowerPermission`): one node at a time counts as one that has lost what it had, so at any time at most one replica of a partition is
 * damaged beyond what the others hold. It counts until every byte of its segments checks again; the indexes are what the log says. Meanwhile it dies only
 * with its machine (a broker that knows its machine has run on takes bytes above its recovery point for whole or torn, and goes on as one that
 * has lost nothing). The topics of such seeds are not durable ones: there a loss of power alone is none.
 */
export class RotFaults {
  private readonly around: RotSurroundings

  constructor(around: RotSurroundings) {
    this.around = around
  }

  /** Null: there is nothing to spoil, or nothing may be. */
  begin(planned: PlannedFault, id: NodeId): Begun | null {
    const { nodes, permission } = this.around
    const life = nodes.lifeOf(id)
    if (life === null || !life.started || !nodes.isRunning(id) || nodes.mayEnd(id) || nodes.isFull(id)) return null
    if (!permission.mayLose(id)) return null
    if (planned.kind === 'misdirected') return this.misdirect(planned, id)
    if (planned.amount < 0.5) return this.spoilRunning(id)
    return planned.amount < 0.75 ? this.spoilStopped(id) : this.spoilPowerless(id)
  }

  private spoilRunning(id: NodeId): Begun | null {
    const text = this.spoil(id, segmentsOf(this.around.world.node(id)))
    return text === null ? null : { text: `the disk of node ${id} spoils ${text}`, end: () => {} }
  }

  private spoilStopped(id: NodeId): Begun {
    const { nodes, damages, story } = this.around
    const done = damages.expect(id)
    nodes.stop(id, () => {
      if (damages.isExpected(id)) story.tell('fault', `the disk of node ${id}, which has stopped, spoils ${this.spoilSome(id)}`)
    })
    const end = (): void => {
      done()
      if (!nodes.isStopping(id)) nodes.start(id)
    }
    return { text: `node ${id} is told to stop; then its disk spoils something`, end }
  }

  private spoilPowerless(id: NodeId): Begun {
    const { nodes } = this.around
    nodes.cutPower(id)
    return { text: `node ${id} loses its power, and its disk spoils ${this.spoilSome(id)}`, end: () => nodes.start(id) }
  }

  private spoilSome(id: NodeId): string {
    const { world, prng } = this.around
    const node = world.node(id)
    const told: string[] = []
    for (let left = prng.between(1, 3); left > 0; left -= 1) {
      const text = this.spoil(id, prng.chance(0.6) ? segmentsOf(node) : othersOf(node))
      if (text !== null) told.push(text)
    }
    return told.length === 0 ? 'nothing' : told.join(', ')
  }

  /** One file of these; what was done to it, in words. */
  private spoil(id: NodeId, paths: readonly string[]): string | null {
    const { world, prng, damages } = this.around
    const { disk } = world.node(id)
    const full = paths.filter((it) => (disk.fileAt(it)?.size ?? 0) > 0)
    if (full.length === 0) return null
    const path = prng.pick(full)
    const file = disk.fileAt(path)
    if (file === undefined) return null
    const before = Buffer.alloc(file.size)
    file.read(0, before)
    const kind = prng.pick(damageKinds)
    const after = spoilt(before, kind, prng)
    const first = firstDifference(before, after)
    if (first === null) return null
    const bad = after.subarray(first)
    file.rot(first, bad)
    if (after.length < before.length) file.lose(after.length)
    if (path.endsWith('.log')) damages.add(id, path, first, bad.subarray(0, lastDifference(before, after) - first))
    return `${path} at byte ${first} of ${before.length} (${kind})`
  }

  private misdirect({ amount }: PlannedFault, id: NodeId): Begun {
    const { world, damages } = this.around
    const { disk } = world.node(id)
    const done = damages.expect(id)
    disk.misdirect = (path, position, content) => {
      if (!segmentName.test(path) || path.includes(metadataFolder)) return null
      disk.misdirect = () => null
      return this.land(id, { path, position, content }, amount)
    }
    const end = (): void => {
      disk.misdirect = () => null
      done()
    }
    return { text: `a write of node ${id} is to go astray`, end }
  }

  private land(
    id: NodeId,
    { path, position, content }: { readonly path: string; readonly position: number; readonly content: Buffer },
    amount: number,
  ): Misdirection {
    const { world, damages, prng, story } = this.around
    const node = world.node(id)
    const size = `${content.length} bytes for byte ${position} of ${path}`
    damages.add(id, path, position, Buffer.alloc(0))
    const elsewhere = amount < 0.6 ? [path] : prng.chance(0.8) ? segmentsOf(node) : othersOf(node)
    const places = elsewhere.filter((it) => (node.disk.fileAt(it)?.size ?? 0) > 0)
    if (amount < 0.3 || places.length === 0) {
      story.tell('fault', `the disk of node ${id} loses ${size}, and says that it has them`)
      return 'nowhere'
    }
    const to = prng.pick(places)
    const at = prng.below(node.disk.fileAt(to)?.size ?? 1)
    if (to.endsWith('.log')) damages.add(id, to, at, content, true)
    story.tell('fault', `the disk of node ${id} writes ${size} to byte ${at} of ${to}`)
    return { path: to, position: at }
  }
}

function foldersOf({ disk, config }: WorldNode): readonly string[] {
  return config.logDirs
    .filter((it) => disk.exists(it))
    .flatMap((it) => disk.list(it).map((name) => `${it}/${name}`))
    .filter((it) => /-\d+$/.test(it) && !it.includes(metadataFolder) && disk.isDirectory(it))
}

function segmentsOf(node: WorldNode): readonly string[] {
  return foldersOf(node).flatMap((folder) =>
    node.disk
      .list(folder)
      .filter((name) => name.endsWith('.log'))
      .map((name) => `${folder}/${name}`),
  )
}

function othersOf(node: WorldNode): readonly string[] {
  const inFolders = foldersOf(node).flatMap((folder) =>
    node.disk
      .list(folder)
      .filter((name) => otherNames.test(name))
      .map((name) => `${folder}/${name}`),
  )
  return [...inFolders, ...node.config.logDirs.flatMap((it) => directoryNames.map((name) => `${it}/${name}`))]
}

function spoilt(content: Buffer, kind: DamageKind, prng: Prng): Buffer {
  const after = Buffer.from(content)
  const at = prng.below(content.length)
  switch (kind) {
    case 'bit':
      after.writeUInt8((content[at] ?? 0) ^ (1 << prng.below(8)), at)
      return after
    case 'run':
      for (let i = at; i < Math.min(content.length, at + prng.between(1, runBytesMax)); i += 1) after.writeUInt8(prng.below(256), i)
      return after
    case 'zeros': {
      const block = at - (at % sectorBytes)
      return after.fill(0, block, Math.min(content.length, block + sectorBytes))
    }
    case 'truncation':
      return after.subarray(0, at)
    case 'misplaced':
      return misplaced(after, prng)
  }
}

/** One batch over another of its size. */
function misplaced(content: Buffer, prng: Prng): Buffer {
  const batches = batchesIn(content)
  if (batches.length === 0) return content
  const from = prng.pick(batches)
  const places = batches.filter(({ at, size }) => size === from.size && at !== from.at)
  if (places.length > 0) content.copy(content, prng.pick(places).at, from.at, from.at + from.size)
  return content
}

function batchesIn(content: Buffer): readonly { readonly at: number; readonly size: number }[] {
  const found: { at: number; size: number }[] = []
  try {
    for (const { at, header } of batchHeaders(content)) found.push({ at, size: header.sizeBytes })
  } catch (error) {
    // What is spoilt already, or is no segment, ends the list
    if (!(error instanceof MalformedError)) throw error
  }
  return found.filter(({ at, size }) => at + size <= content.length)
}

function firstDifference(before: Buffer, after: Buffer): number | null {
  for (let at = 0; at < after.length; at += 1) if (before[at] !== after[at]) return at
  return after.length < before.length ? after.length : null
}

/** The end of what differs. */
function lastDifference(before: Buffer, after: Buffer): number {
  let at = after.length
  while (at > 0 && before[at - 1] === after[at - 1]) at -= 1
  return at
}
