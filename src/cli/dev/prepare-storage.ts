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
  const known = knownClusterId(layout)
  const missing = layout.places.filter((place) => !existsSync(join(place.folder, 'log', 'meta.properties')))
  if (missing.length === 0) return
  const log = logLinesFromEnvironment()
  const ports = systemPorts(log)
  const clusterId = known ?? ports.entropy.uuid()
  try {
    for (const place of missing) formatStorage(ports, loadServerConfig(place.propertiesFile, [], log), { clusterId, ignoreFormatted: true })
  } catch (error) {
    if (error instanceof StartProblem) throw new LayoutProblem(error.message, error.exitCode)
    throw error
  }
}

/** Null when no node has one yet. */
function knownClusterId(layout: Layout): string | null {
  let known: { readonly id: string; readonly where: string } | null = null
  for (const place of layout.places) {
    const where = join(place.folder, 'log')
    const id = clusterIdIn(where)
    if (id === null) continue
    if (known !== null && known.id !== id) {
      throw new LayoutProblem(
        `${where} belongs to cluster ${id}, ${known.where} to cluster ${known.id}: they cannot form one cluster. Take the folder away that does not belong here, begin anew with --fresh, or name another folder with --data.`,
      )
    }
    known = { id, where }
  }
  return known?.id ?? null
}

function clusterIdIn(directory: string): string | null {
  const file = join(directory, 'meta.properties')
  if (!existsSync(file)) return null
  return /^cluster\.id=(.+)$/m.exec(readFileSync(file, 'utf8'))?.[1]?.trim() ?? null
}
