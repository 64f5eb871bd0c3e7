import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { DiskError } from '../../base/ports.ts'
import { lockFile } from '../../node/directory-lock.ts'
import { exitCodes } from '../../node/exit-codes.ts'
import {
  type Agreement,
  agreementName,
  type AgreementOptions,
  agreementOf,
  agreementProperties,
  ensembleFolder,
  kraftName,
} from './agreement.ts'
import { LayoutProblem } from './layout-problem.ts'

/** Controllers listen this far above their broker's port. */
const controllerPortDistance = 1_000

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
  /** The folder is removed when all nodes have stopped. */
  readonly forget: boolean
  readonly places: readonly NodePlace[]
  readonly bootstrap: string
  readonly agreement: Agreement
  /** Lets go of the folder, and removes it where it is to be forgotten; called when all nodes have stopped. */
  release(): void
}

export interface LayoutOptions extends AgreementOptions {
  readonly nodes: number
  readonly port: number
  readonly data: string
  readonly memory: boolean
  readonly fresh: boolean
  readonly set: readonly string[]
}

/** Decides where things are, locks the folder and writes each node's server.properties; formats nothing and starts nothing. */
export function layOut(options: LayoutOptions): Layout {
  refuseOwnProperties(options.set)
  const agreement = agreementOf(options)
  const folder = options.memory ? memoryFolder() : openFolder(options.data)
  const lock = lockFolder(folder)
  try {
    if (options.fresh && !options.memory) removeEarlierData(folder)
    claimShape(folder, options, agreementName(agreement))
    const places = Array.from({ length: options.nodes }, (_, at) => placeOf(folder, options.port, at))
    for (const place of places) writeFileSync(place.propertiesFile, properties(place, places, options, agreement))
    return { folder, forget: options.memory, places, bootstrap: places.map((it) => `127.0.0.1:${it.port}`).join(','), agreement, release }
  } catch (error) {
    release()
    throw error
  }

  function release(): void {
    lock.release()
    if (options.memory) rmSync(folder, { recursive: true, force: true })
  }
}

function placeOf(folder: string, firstPort: number, at: number): NodePlace {
  const own = join(folder, `node-${at + 1}`)
  mkdirSync(own, { recursive: true })
  return {
    id: at + 1,
    port: firstPort + at,
    controllerPort: firstPort + controllerPortDistance + at,
    folder: own,
    propertiesFile: join(own, 'server.properties'),
    logFile: join(own, 'server.log'),
  }
}

function openFolder(data: string): string {
  const folder = resolve(data)
  if (folder.includes(','))
    throw new LayoutProblem(
      `${folder} has a comma in it, which log.dirs takes for the end of a folder's name. Name another one with --data.`,
    )
  try {
    mkdirSync(folder, { recursive: true })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new LayoutProblem(`${folder} cannot be made or used as a folder (${code}). Name another one with --data.`)
  }
  if (existsSync(join(folder, 'meta.properties')))
    throw new LayoutProblem(
      `${folder} is the log directory of one node, not the data of a cluster made by 'odradek dev'. Name another folder with --data.`,
    )
  return folder
}

/** Before anything is written: two clusters must never share a folder, not even its server.properties. */
function lockFolder(folder: string): { release(): void } {
  try {
    return lockFile(join(folder, lockName))
  } catch (error) {
    if (!(error instanceof DiskError)) throw error
    throw new LayoutProblem(
      error.code === 'EAGAIN'
        ? `Another 'odradek dev' is running on ${folder}. Stop that one (q in its terminal), or name another folder with --data.`
        : `${folder} cannot be written to (${error.code}). Mend its permissions, or name another folder with --data.`,
    )
  }
}

/** What the nodes' log directories say of themselves. */
export interface Format {
  /** Null when no node has one yet. */
  readonly clusterId: string | null
  /** Every node's log directory has its identity. */
  readonly formatted: boolean
}

/** @throws LayoutProblem when they belong to different clusters. */
export function formatOf(layout: Layout): Format {
  let known: { readonly id: string; readonly where: string } | null = null
  let formatted = true
  for (const place of layout.places) {
    const where = join(place.folder, 'log')
    const id = clusterIdIn(where)
    formatted &&= id !== null
    if (id !== null && known !== null && known.id !== id) {
      throw new LayoutProblem(
        `${where} belongs to cluster ${id}, ${known.where} to cluster ${known.id}: they cannot form one cluster. Take the folder away that does not belong here, begin anew with --fresh, or name another folder with --data.`,
      )
    }
    if (id !== null) known = { id, where }
  }
  return { clusterId: known?.id ?? null, formatted }
}

function clusterIdIn(directory: string): string | null {
  const file = join(directory, 'meta.properties')
  if (!existsSync(file)) return null
  return /^cluster\.id=(.+)$/m.exec(readFileSync(file, 'utf8'))?.[1]?.trim() ?? null
}

function memoryFolder(): string {
  const shared = '/dev/shm'
  return mkdtempSync(join(existsSync(shared) ? shared : tmpdir(), 'odradek-'))
}

const shapeFile = 'cluster.json'
const lockName = 'cluster.lock'

interface Shape {
  readonly nodes: number
  readonly port: number
  /** `agreementName`; a KRaft quorum when left out. */
  readonly agreement?: string
}

/** Removes only what an earlier run made: a folder that is not ours is never emptied. */
function removeEarlierData(folder: string): void {
  const shape = readShape(folder)
  if (shape === null && readdirSync(folder).every((name) => name === lockName)) return
  if (shape === null) {
    throw new LayoutProblem(
      `${folder} was not made by 'odradek dev' (it has no ${shapeFile}), so --fresh will not empty it. Name another folder with --data.`,
    )
  }
  for (let id = 1; id <= shape.nodes; id += 1) rmSync(join(folder, `node-${id}`), { recursive: true, force: true })
  rmSync(join(folder, ensembleFolder), { recursive: true, force: true })
  rmSync(join(folder, shapeFile), { force: true })
}

function readShape(folder: string): Shape | null {
  const file = join(folder, shapeFile)
  if (!existsSync(file)) return null
  try {
    const shape = JSON.parse(readFileSync(file, 'utf8')) as Partial<Shape> | null
    if (Number.isInteger(shape?.nodes)) return shape as Shape
  } catch {
    // told below
  }
  throw new LayoutProblem(`${file} is not what 'odradek dev' writes. Put {"nodes":N} there (N nodes), or name another folder with --data.`)
}

/** The voters of the quorum are part of the data: a cluster of three cannot be started as a cluster of five; and so is where its metadata lie. */
function claimShape(folder: string, options: LayoutOptions, agreement: string): void {
  const before = readShape(folder)
  if (before !== null && before.nodes !== options.nodes) {
    throw new LayoutProblem(
      `${folder} holds a cluster of ${before.nodes} nodes. Start it with --nodes ${before.nodes}, begin anew with --fresh, or name another folder with --data.`,
    )
  }
  const agreed = before?.agreement ?? kraftName
  if (before !== null && agreed !== agreement) {
    throw new LayoutProblem(
      `${folder} holds a cluster that agrees through ${agreed}, not through ${agreement}. Start it as before, begin anew with --fresh, or name another folder with --data.`,
    )
  }
  const shape: Shape = { nodes: options.nodes, port: options.port, ...(agreement === kraftName ? {} : { agreement }) }
  writeFileSync(join(folder, shapeFile), `${JSON.stringify(shape)}\n`)
}

/** What each node needs to find its own folder, ports and peers is decided here. */
const ownProperties = [
  'process.roles',
  'node.id',
  'controller.quorum.voters',
  'listeners',
  'controller.listener.names',
  'listener.security.protocol.map',
  'log.dirs',
  'log.dir',
  'metadata.log.dir',
  'zookeeper.connect',
]

function refuseOwnProperties(set: readonly string[]): void {
  for (const name of set.map(nameOf)) {
    if (ownProperties.includes(name))
      throw new LayoutProblem(
        `--set ${name}=…: 'odradek dev' decides this one for each node. Use --port, --nodes, --data and --zookeeper, or run nodes by themselves with 'odradek server'.`,
        exitCodes.usage,
      )
  }
}

function nameOf(property: string): string {
  return property.slice(0, property.indexOf('='))
}

function properties(place: NodePlace, all: readonly NodePlace[], options: LayoutOptions, agreement: Agreement): string {
  const replicas = Math.min(3, options.nodes)
  const lines = [
    "# Written by 'odradek dev' at each start; give further properties with --set name=value.",
    `node.id=${place.id}`,
    ...agreementProperties(agreement, all),
    `listeners=PLAINTEXT://127.0.0.1:${place.port},CONTROLLER://127.0.0.1:${place.controllerPort}`,
    'controller.listener.names=CONTROLLER',
    'listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    `log.dirs=${join(place.folder, 'log').replaceAll('\\', '\\\\')}`,
    `default.replication.factor=${replicas}`,
    `offsets.topic.replication.factor=${replicas}`,
    `min.insync.replicas=${Math.max(1, replicas - 1)}`,
  ]
  const given = new Set(options.set.map(nameOf))
  return `${[...lines.filter((line) => !given.has(nameOf(line))), ...options.set].join('\n')}\n`
}
