/** A setting that cannot be used; the message is for the person who set it. */
export class ZooKeeperSettingError extends Error {
  override readonly name = 'ZooKeeperSettingError'
}

export interface ServerAddress {
  readonly host: string
  readonly port: number
}

/** `zookeeper.connect`, taken apart. `chroot` is '' or a path that starts with a slash and does not end with one. */
export interface ConnectString {
  readonly servers: readonly ServerAddress[]
  readonly chroot: string
}

const defaultPort = 2181

/** `host:port,host:port/chroot`; IPv6 in brackets (org.apache.zookeeper.client.ConnectStringParser). @throws ZooKeeperSettingError */
export function parseConnectString(text: string): ConnectString {
  const slash = text.indexOf('/')
  const chroot = slash === -1 ? '' : text.slice(slash).replace(/\/$/, '')
  const problem = chroot === '' ? null : pathProblem(chroot)
  if (problem !== null) throw new ZooKeeperSettingError(`the chroot of '${text}' ${problem}`)
  const names = (slash === -1 ? text : text.slice(0, slash)).split(',').map((it) => it.trim())
  return { servers: names.filter((it) => it !== '' || names.length === 1).map((it) => parseServer(it, text)), chroot }
}

function parseServer(name: string, text: string): ServerAddress {
  const match = /^(?:\[([0-9a-fA-F:.%]+)\]|([^:[\]/\s]+))(?::(\d{1,5}))?$/.exec(name)
  const host = match?.[1] ?? match?.[2]
  const port = Number(match?.[3] ?? defaultPort)
  if (host === undefined || port < 1 || port > 65_535)
    throw new ZooKeeperSettingError(`'${name}' in '${text}' is not a server: expected is host:port`)
  return { host, port }
}

/** What is wrong with a path of a node, as the end of a sentence; null: nothing (org.apache.zookeeper.common.PathUtils). */
export function pathProblem(path: string): string | null {
  if (!path.startsWith('/')) return 'does not start with a slash'
  if (path === '/') return null
  const parts = path.slice(1).split('/')
  if (parts.some((it) => it === '' || it === '.' || it === '..')) return 'has an empty or relative part'
  // eslint-disable-next-line no-control-regex -- these are what it looks for
  return /[\u0000-\u001f\u007f-\u009f\ud800-\uf8ff\ufff0-\uffff]/.test(path) ? 'has a character that no path may have' : null
}
