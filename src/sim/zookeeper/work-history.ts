/** One write, or read, of one register by one session. A multi that writes two registers is two deeds with the same value. */
export interface Deed {
  readonly session: number
  readonly kind: 'write' | 'read'
  readonly path: string
  /** Each write has its own. */
  readonly value: string
  /** Of one count for all. */
  readonly askedAt: number
  readonly settledAt: number
  /** Nobody knows of what is lost. */
  readonly outcome: 'ok' | 'lost' | 'refused'
  /** Of what was read or written; 0 and -1 where it was not said. */
  readonly mzxid: bigint
  readonly version: number
}

interface Seen {
  readonly value: string
  readonly version: number
  readonly mzxid: bigint
}

/** What was seen of registers, and whether an ensemble that keeps its promises can have let it be seen. */
export class WorkHistory {
  readonly deeds: Deed[] = []
  readonly problems: string[] = []
  private count = 0

  now(): number {
    this.count += 1
    return this.count
  }

  /** All that is wrong; nothing for a good history. */
  judge(): readonly string[] {
    const paths = new Set(this.deeds.map((it) => it.path))
    for (const path of paths) this.judgeRegister(this.deeds.filter((it) => it.path === path))
    this.judgeMultis()
    return this.problems
  }

  private judgeRegister(deeds: readonly Deed[]): void {
    const seen = this.seenBy(deeds)
    const zxidOf = new Map(seen.map((it) => [it.value, it.mzxid]))
    for (const { value, outcome } of deeds)
      if (outcome === 'refused' && zxidOf.has(value)) this.problems.push(`${value} was refused and is there`)
    const writes = deeds.filter((it) => it.kind === 'write').map((it) => ({ ...it, zxid: zxidOf.get(it.value) }))
    const known = writes.flatMap((it) => (it.zxid === undefined ? [] : [{ ...it, zxid: it.zxid }]))
    this.judgeOrder(known)
    this.judgeReads(deeds, known)
  }

  /** Each transaction has one value and one version, and versions go up with transactions. */
  private seenBy(deeds: readonly Deed[]): readonly Seen[] {
    const byZxid = new Map<bigint, Seen>()
    for (const { value, version, mzxid, outcome } of deeds) {
      if (outcome !== 'ok') continue
      const before = byZxid.get(mzxid)
      if (before === undefined) byZxid.set(mzxid, { value, version, mzxid })
      else if (before.value !== value || before.version !== version) this.problems.push(`two values at ${mzxid}: ${before.value}, ${value}`)
    }
    const seen = [...byZxid.values()].sort((a, b) => (a.mzxid < b.mzxid ? -1 : 1))
    seen.forEach((it, at) => {
      const before = seen[at - 1]
      if (before !== undefined && before.version >= it.version)
        this.problems.push(`version ${it.version} at ${it.mzxid} after ${before.version}`)
    })
    return seen
  }

  /** What was settled before something was asked comes before it, also when that was lost and turned up later. */
  private judgeOrder(writes: readonly (Deed & { readonly zxid: bigint })[]): void {
    const settled = writes.filter((it) => it.outcome === 'ok').sort((a, b) => a.settledAt - b.settledAt)
    const asked = [...writes].sort((a, b) => a.askedAt - b.askedAt)
    let latest: (typeof settled)[number] | null = null
    let at = 0
    for (const write of asked) {
      for (let next = settled[at]; next !== undefined && next.settledAt < write.askedAt; next = settled[(at += 1)])
        if (latest === null || next.zxid > latest.zxid) latest = next
      if (latest !== null && write.zxid <= latest.zxid && write.value !== latest.value)
        this.problems.push(`${write.value} was asked after ${latest.value} was done, and is before it`)
    }
    for (const lost of writes.filter((it) => it.outcome === 'lost')) {
      const later = settled.find((it) => it.session === lost.session && it.askedAt > lost.settledAt && it.zxid < lost.zxid)
      if (later !== undefined) this.problems.push(`${lost.value} was lost, and done after ${later.value} of the same session`)
    }
  }

  /** Nobody reads what has not been asked yet. That a session does not go back is watched while it reads. */
  private judgeReads(deeds: readonly Deed[], writes: readonly Deed[]): void {
    const askedAt = new Map(writes.map((it) => [it.value, it.askedAt]))
    for (const { kind, value, settledAt } of deeds)
      if (kind === 'read' && (askedAt.get(value) ?? 0) > settledAt) this.problems.push(`${value} was read before it was written`)
  }

  private judgeMultis(): void {
    const zxids = new Map<string, bigint>()
    for (const { value, mzxid, outcome } of this.deeds) {
      if (outcome !== 'ok' || value === '') continue
      const before = zxids.get(value)
      if (before !== undefined && before !== mzxid) this.problems.push(`${value} was written at ${before} and at ${mzxid}`)
      zxids.set(value, mzxid)
    }
  }
}
