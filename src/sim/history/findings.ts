import type { Anomaly, AnomalyKind } from './anomaly.ts'

/** What judges have found. Of each kind the first few are told in full, for one cause may show in every operation that follows; all are counted. */
export class Findings {
  readonly errors: Anomaly[] = []
  readonly allowed: Anomaly[] = []
  readonly errorCounts = new Map<AnomalyKind, number>()
  readonly allowedCounts = new Map<AnomalyKind, number>()
  readonly unjudged: string[] = []
  private readonly toldMax: number

  constructor(toldMax: number) {
    this.toldMax = toldMax
  }

  error(kind: AnomalyKind, tell: () => Anomaly): void {
    if (countUp(this.errorCounts, kind) <= this.toldMax) this.errors.push(tell())
  }

  /** What `isError` makes an error would otherwise be worth knowing. */
  found(kind: AnomalyKind, isError: boolean, tell: () => Anomaly): void {
    if (isError) this.error(kind, tell)
    else if (countUp(this.allowedCounts, kind) <= this.toldMax) this.allowed.push(tell())
  }
}

function countUp(counts: Map<AnomalyKind, number>, kind: AnomalyKind): number {
  const count = (counts.get(kind) ?? 0) + 1
  counts.set(kind, count)
  return count
}
