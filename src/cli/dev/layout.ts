import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

/** Controllers listen this far above their broker's port. */
const controllerPortDistance = 20_000

export interface NodePlace {
  readonly id: number
  readonly port: number
  readonly controllerPort: number
  readonly folder: string
  readonly propertiesFile: string
  readonly logFile: string
}

export interface Layout {
  readonly folder: string
  /** Remove the folder when all nodes have stopped. */
  readonly forget: boolean
  readonly places: readonly NodePlace[]
  readonly bootstrap: string
}

export interface LayoutOptions {
  readonly nodes: number
  readonly port: number
  readonly data: string
  readonly memory: boolean
  readonly fresh: boolean
  readonly set: readonly string[]
}

/** What a person has to mend; its message says how. */
export class LayoutProblem extends Error {
  override readonly name = 'LayoutProblem'
}

/** Decides where things are and writes each node's server.properties; formats nothing and starts nothing. */
export function layOut(options: LayoutOptions): Layout {
  const folder = options.memory ? memoryFolder() : resolve(options.data)
  if (options.fresh && !options.memory) removeEarlierData(folder)
  mkdirSync(folder, { recursive: true })
  claimShape(folder, options)
  const places = Array.from({ length: options.nodes }, (_, at): NodePlace => {
    const own = join(folder, `node-${at + 1}`)
    mkdirSync(own, { recursive: true })
    return {
      id: at + 1,
      port: options.port + at,
      controllerPort: options.port + controllerPortDistance + at,
      folder: own,
      propertiesFile: join(own, 'server.properties'),
      logFile: join(own, 'server.log'),
    }
  })
  for (const place of places) writeFileSync(place.propertiesFile, properties(place, places, options))
  return { folder, forget: options.memory, places, bootstrap: places.map((it) => `127.0.0.1:${it.port}`).join(',') }
}

function memoryFolder(): string {
  const shared = '/dev/shm'
  return mkdtempSync(join(existsSync(shared) ? shared : tmpdir(), 'odradek-'))
}

const shapeFile = 'cluster.json'

interface Shape {
  readonly nodes: number
  readonly port: number
}

/** Removes only what an earlier run made: a folder that is not ours is never emptied. */
function removeEarlierData(folder: string): void {
  if (!existsSync(folder)) return
  const shape = readShape(folder)
  if (shape === null) {
    throw new LayoutProblem(
      `${folder} was not made by 'odradek dev' (it has no ${shapeFile}), so --fresh will not empty it. Name another folder with --data.`,
    )
  }
  for (let id = 1; id <= shape.nodes; id += 1) rmSync(join(folder, `node-${id}`), { recursive: true, force: true })
  rmSync(join(folder, shapeFile), { force: true })
}

function readShape(folder: string): Shape | null {
  const file = join(folder, shapeFile)
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Shape) : null
}

/** The voters of the quorum are part of the data: a cluster of three cannot be started as a cluster of five. */
function claimShape(folder: string, options: LayoutOptions): void {
  const before = readShape(folder)
  if (before !== null && before.nodes !== options.nodes) {
    throw new LayoutProblem(
      `${folder} holds a cluster of ${before.nodes} nodes. Start it with --nodes ${before.nodes}, begin anew with --fresh, or name another folder with --data.`,
    )
  }
  const shape: Shape = { nodes: options.nodes, port: options.port }
  writeFileSync(join(folder, shapeFile), `${JSON.stringify(shape)}\n`)
}

function properties(place: NodePlace, all: readonly NodePlace[], options: LayoutOptions): string {
  const replicas = Math.min(3, options.nodes)
  const lines = [
    "# Written by 'odradek dev' at each start; give further properties with --set name=value.",
    'process.roles=broker,controller',
    `node.id=${place.id}`,
    `controller.quorum.voters=${all.map((it) => `${it.id}@127.0.0.1:${it.controllerPort}`).join(',')}`,
    `listeners=PLAINTEXT://127.0.0.1:${place.port},CONTROLLER://127.0.0.1:${place.controllerPort}`,
    'controller.listener.names=CONTROLLER',
    'listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    `log.dirs=${join(place.folder, 'log')}`,
    `default.replication.factor=${replicas}`,
    `min.insync.replicas=${Math.max(1, replicas - 1)}`,
  ]
  const given = new Set(options.set.map((it) => it.slice(0, it.indexOf('='))))
  const own = lines.filter((line) => !given.has(line.slice(0, line.indexOf('='))))
  return `${[...own, ...options.set].join('\n')}\n`
}
