import type { NodeId } from '../../base/units.ts'
import type { HostedPartition } from '../../broker/hosted-partition.ts'
import { MalformedError } from '../../protocol/reader.ts'
import { batchCrcIsValid, batchHeaders, wholeBatchesEnd } from '../../protocol/records/batch-header.ts'
import type { ClusterWorld } from '../cluster-world.ts'
import type { MarkedBytes, MemoryFile } from '../memory-file.ts'

/** Bytes of a segment that are not what was written there. */
interface Damage {
  readonly node: NodeId
  readonly path: string
  readonly file: MemoryFile
  readonly position: number
  /** What is there instead; empty where bytes are gone. */
  readonly bad: Buffer
  readonly marked: MarkedBytes
}

/** What the disks of nodes have done to segments without a word, as long as it is there. */
export class Damages {
  private readonly world: ClusterWorld
  private found: Damage[] = []
  private readonly expected = new Set<NodeId>()

  constructor(world: ClusterWorld) {
    this.world = world
  }

  /** Something may be spoilt on this node at any time until the returned function is called. */
  expect(node: NodeId): () => void {
    this.expected.add(node)
    return () => void this.expected.delete(node)
  }

  isExpected(node: NodeId): boolean {
    return this.expected.has(node)
  }

  /** `isComing`: the next write there is what spoils it. */
  add(node: NodeId, path: string, position: number, bad: Buffer, isComing = false): void {
    const file = this.world.node(node).disk.fileAt(path)
    if (file === undefined) return
    this.found.push({ node, path, file, position, bad: Buffer.from(bad), marked: file.mark(position, bad.length, isComing) })
  }

  /** Something is bad on this node, or is about to be. */
  isDamaged(node: NodeId): boolean {
    this.settle()
    return this.expected.has(node) || this.found.some((it) => it.node === node)
  }

  /** This replica has bad bytes. `folder`: its partition's. */
  has(node: NodeId, folder: string): boolean {
    this.settle()
    return this.found.some((it) => it.node === node && it.path.startsWith(`${folder}/`))
  }

  /** What is bad still, in words. */
  describe(): readonly string[] {
    this.settle()
    return [...new Set(this.found.map(({ node, path, position }) => `${path} of node ${node} is bad at byte ${position}`))]
  }

  /** A file that has been exchanged is well; any other is when its whole replica can be seen to be: its node runs, and every byte of it checks. */
  private settle(): void {
    this.found = this.found.filter((it) => {
      const { disk } = this.world.node(it.node)
      if (disk.fileAt(it.path) !== it.file) return false
      const hosted = this.hostedAt(it)
      return hosted === undefined || isThere(it) || !isSound(this.world, it.node, hosted)
    })
  }

  private hostedAt({ node, path }: Damage): HostedPartition | undefined {
    const { life } = this.world.node(node)
    if (life === null || !life.started || life.failure !== null) return undefined
    return [...life.broker.partitions].find((it) => path.startsWith(`${folderOf(it)}/`) && it.log.failure === null)
  }
}

export function folderOf(hosted: HostedPartition): string {
  return `${hosted.directory.path}/${hosted.name}`
}

/** What has no checksum (an offset, a leader epoch) can be bad in a batch that checks. What has been written since may well read the same. */
function isThere({ file, position, bad, marked }: Damage): boolean {
  if (bad.length === 0 || marked.isReplaced) return false
  const now = Buffer.alloc(bad.length)
  return file.read(position, now) === bad.length && now.equals(bad)
}

/** Every batch checks, none is missing between two others, and the last is where the log ends. */
function isSound(world: ClusterWorld, node: NodeId, hosted: HostedPartition): boolean {
  const { disk } = world.node(node)
  const folder = folderOf(hosted)
  const mayHaveGaps = hosted.log.config.cleanupCompact
  let next = -1
  for (const name of disk.list(folder).filter((it) => it.endsWith('.log'))) {
    const bytes = disk.readSmall(`${folder}/${name}`)
    const base = Number(name.slice(0, -'.log'.length))
    if (next >= 0 && (mayHaveGaps ? base < next : base !== next)) return false
    try {
      if (wholeBatchesEnd(bytes) !== bytes.length) return false
      for (const { at, header } of batchHeaders(bytes)) {
        const isNext = next < 0 || mayHaveGaps ? header.baseOffset >= Math.max(next, 0) : header.baseOffset === next
        if (!isNext || !batchCrcIsValid(bytes, at, header.sizeBytes)) return false
        next = header.lastOffset + 1
      }
    } catch (error) {
      if (error instanceof MalformedError) return false
      throw error
    }
    next = Math.max(next, base)
  }
  return next === hosted.log.logEndOffset
}
