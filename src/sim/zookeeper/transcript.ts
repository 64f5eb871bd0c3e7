import { Prng } from '../../base/prng.ts'
import type { ZooKeeperOptions } from '../../zookeeper/client.ts'
import {
  type CreateMode,
  type ZNodeStat,
  ZooKeeperError,
  type ZooKeeperOperation,
  type ZooKeeperResult,
} from '../../zookeeper/zookeeper.ts'
import { type Ensemble, Stand, type Witness } from './stand.ts'

const names = ['/a', '/b', '/a/c', '/a/d', '/a/c/e', '/b/f', '/', '/a/', 'x'] as const
const modes: readonly CreateMode[] = ['persistent', 'ephemeral', 'persistentSequential', 'ephemeralSequential']

/** What two clients, of which one has a digest, are answered and told when they do this and that; the same for the same seed where an ensemble is true. */
export async function transcript(ensemble: Ensemble, seed: number, steps: number): Promise<readonly string[]> {
  const prng = new Prng(seed)
  const stand = new Stand(ensemble, `/transcript-${seed}`)
  const lines: string[] = []
  const clientOptions: readonly Partial<ZooKeeperOptions>[] = [{}, { digest: 'a:b', isSensitive: (path) => path.endsWith('d') }]
  try {
    const clients: Witness[] = []
    for (const options of clientOptions) {
      const client = stand.client(options)
      clients.push(client)
      // One after the other: the first makes the chroot.
      await client.zk.watch('/')
    }
    for (let step = 0; step < steps; step += 1) {
      const who = prng.below(clients.length)
      const client = clients[who]
      if (client === undefined) continue
      const { what, done } = request(client, prng)
      lines.push(`${who}: ${what}: ${await done}`)
      await tellAll(clients, lines)
    }
  } finally {
    await stand.end()
  }
  return lines
}

/** Both have everything that happened. */
async function tellAll(clients: readonly Witness[], lines: string[]): Promise<void> {
  for (const [at, { zk, events }] of clients.entries()) {
    await zk.sync('/')
    for (const event of events.splice(0)) lines.push(`  ${at} is told: ${event}`)
  }
}

function request({ zk }: Witness, prng: Prng): { readonly what: string; readonly done: Promise<string> } {
  const path = prng.pick(names)
  const say = (what: string, done: Promise<string>): { what: string; done: Promise<string> } => ({ what, done: done.catch(errorOf) })
  switch (prng.below(8)) {
    case 0:
      return say(
        `get ${path}`,
        zk.get(path).then(({ data, stat }) => `${data.toString()} ${statText(stat)}`),
      )
    case 1:
      return say(
        `exists ${path}`,
        zk.exists(path).then((stat) => (stat === null ? 'no' : statText(stat))),
      )
    case 2:
      return say(
        `children ${path}`,
        zk.children(path).then((children) => [...children].sort().join(' ')),
      )
    case 3: {
      const operations = Array.from({ length: prng.below(5) }, () => operation(prng))
      const what = operations.map(operationText).join(', ')
      return say(
        `multi [${what}]`,
        zk.multi(operations).then((results) => results.map(resultText).join(', ')),
      )
    }
    default:
      return single(zk, operation(prng), say)
  }
}

type Say = (what: string, done: Promise<string>) => { what: string; done: Promise<string> }

function single(zk: Witness['zk'], it: ZooKeeperOperation, say: Say): ReturnType<Say> {
  const what = operationText(it)
  if (it.op === 'create') return say(what, zk.create(it.path, it.data, it.mode))
  if (it.op === 'set') return say(what, zk.set(it.path, it.data, it.version).then(statText))
  if (it.op === 'delete')
    return say(
      what,
      zk.delete(it.path, it.version).then(() => 'deleted'),
    )
  return say(
    what,
    zk.multi([it]).then(() => 'checked'),
  )
}

function operation(prng: Prng): ZooKeeperOperation {
  const path = prng.pick(names)
  const data = Buffer.from(`${prng.below(100)}`)
  const version = prng.chance(0.6) ? -1 : prng.below(3)
  switch (prng.below(6)) {
    case 0:
      return { op: 'set', path, data, version }
    case 1:
      return { op: 'delete', path, version }
    case 2:
      return { op: 'check', path, version }
    default:
      return { op: 'create', path, data, mode: prng.chance(0.6) ? 'persistent' : prng.pick(modes) }
  }
}

function errorOf(error: unknown): string {
  if (!(error instanceof ZooKeeperError)) throw error
  return `${error.code} at ${error.path}, ${error.at}`
}

/** Without what differs from one ensemble to the next: times, ids, the numbers of transactions. */
function statText({ version, cversion, childCount, czxid, mzxid, ephemeralOwner }: ZNodeStat): string {
  return `v${version} c${cversion} n${childCount}${czxid === mzxid ? '' : ' changed'}${ephemeralOwner === 0n ? '' : ' ephemeral'}`
}

function operationText(it: ZooKeeperOperation): string {
  return `${it.op} ${it.path} ${it.op === 'create' ? it.mode : it.version}`
}

function resultText(it: ZooKeeperResult): string {
  if (it.op === 'create') return `${it.path} ${it.stat === null ? '' : statText(it.stat)}`
  return it.op === 'set' ? statText(it.stat) : it.op
}
