import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { StartProblem } from '../../node/exit-codes.ts'
import { logLinesFromEnvironment } from '../../node/log-lines.ts'
import { systemPorts } from '../../node/ports.ts'
import { loadServerConfig } from '../../node/server-properties.ts'
import { formatStorage } from '../../node/storage-format.ts'
import { type Layout, LayoutProblem } from './layout.ts'

/** Formats what is not formatted yet, all nodes with one cluster id: that of a node that has one, else a new one. */
export function prepareStorage(layout: Layout): void {
  const missing = layout.places.filter((place) => !existsSync(join(place.folder, 'log', 'meta.properties')))
  if (missing.length === 0) return
  const log = logLinesFromEnvironment()
  const ports = systemPorts(log)
  const clusterId = knownClusterId(layout) ?? ports.entropy.uuid()
  try {
    for (const place of missing) formatStorage(ports, loadServerConfig(place.propertiesFile, [], log), { clusterId, ignoreFormatted: true })
  } catch (error) {
    if (error instanceof StartProblem) throw new LayoutProblem(error.message)
    throw error
  }
}

function knownClusterId(layout: Layout): string | null {
  for (const place of layout.places) {
    const file = join(place.folder, 'log', 'meta.properties')
    const id = existsSync(file) ? /^cluster\.id=(.+)$/m.exec(readFileSync(file, 'utf8'))?.[1] : undefined
    if (id !== undefined) return id.trim()
  }
  return null
}
