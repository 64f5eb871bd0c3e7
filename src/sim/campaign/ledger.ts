import type { FaultKind } from './fault-kinds.ts'
import type { RunReport } from './campaign-run.ts'

/** What a campaign came to. */
export interface CampaignSum {
  seeds: number
  simulatedMs: number
  wallMs: number
  events: number
  acknowledged: number
  readonly faults: Map<FaultKind, number>
  /** Seeds that failed, with the rule they broke. */
  readonly findings: { readonly seed: number; readonly rule: string }[]
}

export function emptySum(): CampaignSum {
  return { seeds: 0, simulatedMs: 0, wallMs: 0, events: 0, acknowledged: 0, faults: new Map(), findings: [] }
}

export function addReport(sum: CampaignSum, report: RunReport): void {
  sum.seeds += 1
  sum.simulatedMs += report.simulatedMs
  sum.events += report.events
  sum.acknowledged += report.acknowledged
  for (const [kind, count] of report.faults) sum.faults.set(kind, (sum.faults.get(kind) ?? 0) + count)
}

export const ledgerHead = `# What has been simulated

Campaigns of the whole-cluster simulation (\`npm run sim -- --kind cluster --minutes N --ledger\`): each seed is a cluster with its clients, under faults that
it draws. A finding is a seed that broke a rule; \`npm run sim -- --kind cluster --seed X --explain\` at that commit tells it again.

| Date | Commit | Seeds | Simulated hours | Acknowledged records | Faults | Findings |
|---|---|---|---|---|---|---|
`

/** One row; \`first\`: the campaign had the seeds from there on. */
export function ledgerRow(sum: CampaignSum, where: { readonly date: string; readonly commit: string; readonly first: number }): string {
  const last = where.first + sum.seeds + sum.findings.length - 1
  const hours = (sum.simulatedMs / 3_600_000).toFixed(2)
  const faults = [...sum.faults].sort(([a], [b]) => (a < b ? -1 : 1)).map(([kind, count]) => `${kind} ${count}`)
  const findings = sum.findings.map(({ seed, rule }) => `${seed} (${rule})`)
  const cells = [
    where.date,
    where.commit,
    `${where.first} to ${last}`,
    hours,
    sum.acknowledged,
    faults.join(', '),
    findings.join(', ') || 'none',
  ]
  return `| ${cells.join(' | ')} |\n`
}

/** The first seed that no row of the ledger has. */
export function nextSeed(ledger: string): number {
  const ends = [...ledger.matchAll(/^\|[^|]*\|[^|]*\| \d+ to (\d+) \|/gm)].map((row) => Number(row[1]))
  return Math.max(0, ...ends) + 1
}
