import { imageRoots, paths, persistentPaths } from '../../znodes/paths.ts'
import { journalledIn, type StoredLog, storedLogIn } from '../../znodes/stored-log.ts'
import { type ZnodeChange, ZnodeTree } from '../../znodes/znode-tree.ts'
import { type ZNode, type ZooKeeper, ZooKeeperError } from '../../zookeeper/zookeeper.ts'

/** Requests under way at once. */
const readsMax = 512

export interface LoadedZnodes {
  /** With the journal's changes carried out. */
  readonly tree: ZnodeTree
  readonly stored: StoredLog
  /** Of `/odradek/log`. */
  readonly logVersion: number
  /** Of the journal, what the ensemble may yet have to be told. */
  readonly redo: readonly ZnodeChange[]
  /** Znodes of the journal, in use or left over. */
  readonly journal: readonly string[]
}

/**
 * Reads the metadata. Only for the controller that was elected: nobody else writes then, so that many reads are one look.
 * Rejects with ZooKeeperError; with ZnodeError when what is there is no cluster.
 */
export async function loadZnodes(zk: ZooKeeper): Promise<LoadedZnodes> {
  await zk.sync(paths.log)
  const log = await zk.get(paths.log)
  const stored = storedLogIn(textOf(log))
  const tree = await readBelow(zk, imageRoots)
  // Parents that are there and say nothing
  for (const path of persistentPaths) if (!tree.has(path)) tree.put(path, '')
  const pieces = await readBelow(zk, [paths.journal])
  const journal = pieces.namesBelow(paths.journal).map((name) => `${paths.journal}/${name}`)
  const redo = journal
    .slice(0, stored.journal)
    .flatMap((path) => journalledIn(path, pieces.get(path) ?? '').map((it) => ({ ...it, existed: tree.has(it.path) })))
  tree.carryOut(redo)
  return { tree, stored, logVersion: log.stat.version, redo: redo.filter((it) => it.text !== null || it.existed), journal }
}

/** These znodes, as far as they are there, and all below. */
async function readBelow(zk: ZooKeeper, roots: readonly string[]): Promise<ZnodeTree> {
  const tree = new ZnodeTree()
  let frontier = [...roots]
  while (frontier.length > 0) {
    const now = frontier.slice(0, readsMax)
    const next = frontier.slice(readsMax)
    const found = await Promise.all(now.map((path) => readOne(zk, path)))
    for (const it of found) {
      if (it === null) continue
      tree.put(it.path, it.text)
      for (const name of it.names) next.push(`${it.path}/${name}`)
    }
    frontier = next
  }
  return tree
}

async function readOne(zk: ZooKeeper, path: string) {
  const node = await getOrNull(zk, path)
  if (node === null) return null
  const names = node.stat.childCount === 0 ? [] : await zk.children(path)
  return { path, text: textOf(node), names }
}

/** Null when it is not there. Rejects with ZooKeeperError. */
export async function getOrNull(zk: ZooKeeper, path: string): Promise<ZNode | null> {
  try {
    return await zk.get(path)
  } catch (error) {
    if (error instanceof ZooKeeperError && error.code === 'noNode') return null
    throw error
  }
}

export function textOf(node: ZNode): string {
  return node.data.toString('utf8')
}
