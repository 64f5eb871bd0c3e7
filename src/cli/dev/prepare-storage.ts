import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Log } from '../../base/ports.ts'
import { StartProblem } from '../../node/exit-codes.ts'
import { systemPorts } from '../../node/ports.ts'
import { loadServerConfig } from '../../node/server-properties.ts'
import { formatStorage } from '../../node/storage-format.ts'
import { formatOf, type Layout } from './layout.ts'
import { LayoutProblem } from './layout-problem.ts'

/** The nodes say it themselves when they start; here only what keeps them from starting is of interest. */
const quiet: Log = { write: () => {} }

/** Reads what the nodes will read, so that a wrong `--set` is told once and before anything is started. */
export function checkProperties(layout: Layout): void {
  orLayoutProblem(() => {
    for (const place of layout.places) loadServerConfig(place.propertiesFile, [], quiet)
  })
}

/** Formats what is not formatted yet, all nodes with one cluster id: that of a node that has one, else a new one. */
export function prepareStorage(layout: Layout): void {
  const { clusterId: known } = formatOf(layout)
  const missing = layout.places.filter((place) => !existsSync(join(place.folder, 'log', 'meta.properties')))
  if (missing.length === 0) return
  const ports = systemPorts(quiet)
  const clusterId = known ?? ports.entropy.uuid()
  orLayoutProblem(() => {
    for (const place of missing)
      formatStorage(ports, loadServerConfig(place.propertiesFile, [], quiet), { clusterId, ignoreFormatted: true })
  })
}

function orLayoutProblem(work: () => void): void {
  try {
    work()
  } catch (error) {
    if (error instanceof StartProblem) throw new LayoutProblem(error.message, error.exitCode)
    throw error
  }
}
