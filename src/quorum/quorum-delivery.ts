import type { Offset } from '../base/units.ts'
import { MalformedError } from '../protocol/reader.ts'
import type { OffsetAndEpoch } from '../raft/log-shape.ts'
import { valuesOf } from './metadata-batch.ts'
import type { MetadataLog } from './metadata-log.ts'
import type { MetadataSnapshot, QuorumListener } from './metadata-quorum.ts'

const emptySnapshot: MetadataSnapshot = { endOffset: 0, epoch: 0, lastContainedTimestamp: -1, batches: () => [] }

/** What the listener has been told and has yet to be told, in order. It is told while the machine is at rest, so that it may append from within. */
export class QuorumDelivery {
  private readonly log: () => MetadataLog
  /** An observer keeps nothing that it has delivered. */
  private readonly keeps: boolean
  private readonly news: (() => void)[] = []
  private listener: QuorumListener | null = null
  private telling = false
  private deliveredEnd: Offset = 0
  private bytes = 0

  constructor(log: () => MetadataLog, keeps: boolean) {
    this.log = log
    this.keeps = keeps
  }

  /** All below it was delivered. */
  get deliveredOffset(): Offset {
    return this.deliveredEnd
  }

  get bytesSinceSnapshot(): number {
    return this.bytes
  }

  listen(listener: QuorumListener): void {
    this.listener = listener
  }

  tell(news: (listener: QuorumListener) => void): void {
    this.news.push(() => this.listener !== null && news(this.listener))
  }

  tellSnapshot(id: OffsetAndEpoch): void {
    this.news.push(() => this.snapshot(id))
  }

  tellCommitted(upTo: Offset): void {
    this.news.push(() => this.committed(upTo))
  }

  /** What a listener causes from within comes after what waits. */
  run(): void {
    if (this.telling) return
    this.telling = true
    try {
      for (let news = this.news.shift(); news !== undefined; news = this.news.shift()) news()
    } finally {
      this.telling = false
    }
  }

  redeliver(): void {
    const upTo = this.deliveredEnd
    const { latestSnapshot } = this.log()
    this.deliveredEnd = 0
    this.bytes = 0
    if (latestSnapshot === null) this.listener?.onSnapshot(emptySnapshot)
    else this.snapshot(latestSnapshot)
    this.committed(upTo)
  }

  onSnapshotMade(endOffset: Offset): void {
    this.bytes = this.log().bytesBetween(endOffset, this.deliveredEnd)
  }

  private snapshot(id: OffsetAndEpoch): void {
    const found = this.log().withSnapshot((snapshot) => {
      this.listener?.onSnapshot(snapshot)
      return snapshot.endOffset
    })
    if (found !== id.offset) throw new MalformedError(`snapshot ${id.offset} is not there any more`)
    this.deliveredEnd = id.offset
    this.bytes = 0
    if (!this.keeps) this.log().release(id.offset)
  }

  private committed(upTo: Offset): void {
    for (const batch of this.log().committed(this.deliveredEnd, upTo)) {
      const { header } = batch
      this.deliveredEnd = header.lastOffset + 1
      this.bytes += batch.bytes.length
      this.listener?.onCommitted({
        baseOffset: header.baseOffset,
        lastOffset: header.lastOffset,
        epoch: header.leaderEpoch,
        appendTime: header.maxTimestamp,
        values: valuesOf(batch),
      })
    }
    if (!this.keeps) this.log().release(this.deliveredEnd)
  }
}
