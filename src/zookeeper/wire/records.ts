import type { CreateMode, ZNodeStat } from '../zookeeper.ts'
import { type JuteReader, type JuteWriter, malformed } from './jute.ts'

/** org.apache.zookeeper.data.Stat, whole. */
export interface Stat extends ZNodeStat {
  readonly aversion: number
  readonly dataLength: number
  /** Of the last change of the children. */
  readonly pzxid: bigint
}

/** org.apache.zookeeper.data.ACL; `permissions` are bits of ZooDefs.Perms. */
export interface Acl {
  readonly permissions: number
  readonly scheme: string
  readonly id: string
}

export const permissions = { read: 1, write: 2, create: 4, delete: 8, admin: 16, all: 31 } as const

/** ZooDefs.Ids: whoever made the node may do everything. */
export const creatorAll: Acl = { permissions: permissions.all, scheme: 'auth', id: '' }
export const worldRead: Acl = { permissions: permissions.read, scheme: 'world', id: 'anyone' }
export const worldAll: Acl = { permissions: permissions.all, scheme: 'world', id: 'anyone' }

/** In the order of the flags of CreateMode. */
const modes: readonly CreateMode[] = ['persistent', 'ephemeral', 'persistentSequential', 'ephemeralSequential']

export function readStat(from: JuteReader): Stat {
  return {
    czxid: from.long(),
    mzxid: from.long(),
    ctime: Number(from.long()),
    mtime: Number(from.long()),
    version: from.int(),
    cversion: from.int(),
    aversion: from.int(),
    ephemeralOwner: from.long(),
    dataLength: from.int(),
    childCount: from.int(),
    pzxid: from.long(),
  }
}

export function writeStat(to: JuteWriter, stat: Stat): void {
  to.long(stat.czxid).long(stat.mzxid).long(BigInt(stat.ctime)).long(BigInt(stat.mtime))
  to.int(stat.version).int(stat.cversion).int(stat.aversion).long(stat.ephemeralOwner)
  to.int(stat.dataLength).int(stat.childCount).long(stat.pzxid)
}

export function readAcl(from: JuteReader): Acl {
  return { permissions: from.int(), scheme: from.text(), id: from.text() }
}

export function writeAcl(to: JuteWriter, acl: Acl): void {
  to.int(acl.permissions).text(acl.scheme).text(acl.id)
}

export function readMode(from: JuteReader): CreateMode {
  const mode = modes[from.int()]
  // Containers and nodes with a time to live are not spoken here.
  if (mode === undefined) throw malformed()
  return mode
}

export function writeMode(to: JuteWriter, mode: CreateMode): void {
  to.int(modes.indexOf(mode))
}
