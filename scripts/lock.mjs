// Completes package-lock.json where a registry that does not have the packages of every platform left some out: `npm ci` refuses such a lock file
// on every platform. Names and versions are those that the package which wants them names; what a platform needs follows from the name.
// A package that was not seen has no checksum here: npm then takes the registry's word for it.
//   node scripts/lock.mjs
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { root } from './prepare.mjs'

const systems = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32']
const processors = ['arm64', 'arm', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'x64']

/** @param {Record<string, any>} packages @returns {{ name: string, version: string, wantedBy: string }[]} */
export function missingPlatforms(packages) {
  return Object.entries(packages).flatMap(([wantedBy, entry]) =>
    Object.entries(entry.optionalDependencies ?? {})
      .filter(([name]) => packages[`node_modules/${name}`] === undefined && packages[`${wantedBy}/node_modules/${name}`] === undefined)
      .map(([name, version]) => ({ name, version: String(version), wantedBy })),
  )
}

/** @param {string} name */
function platform(name) {
  const words = (name.split('/').at(-1) ?? '').split('-')
  const os = systems.find((it) => words.includes(it))
  const cpu = processors.find((it) => words.includes(it))
  if (os === undefined || cpu === undefined) throw new Error(`${name} does not name a platform: complete package-lock.json by hand`)
  const libc = os === 'linux' ? words.find((it) => it.startsWith('musl') || it.startsWith('gnu')) : undefined
  return { cpu: [cpu], os: [os], ...(libc === undefined ? {} : { libc: [libc.startsWith('musl') ? 'musl' : 'glibc'] }) }
}

function complete() {
  const file = join(root, 'package-lock.json')
  const lock = JSON.parse(readFileSync(file, 'utf8'))
  const missing = missingPlatforms(lock.packages)
  for (const { name, version, wantedBy } of missing) {
    const { cpu, os, libc } = platform(name)
    const { license, dev } = lock.packages[wantedBy]
    lock.packages[`node_modules/${name}`] = {
      version,
      cpu,
      ...(dev === true ? { dev } : {}),
      ...(libc ? { libc } : {}),
      license,
      optional: true,
      os,
    }
    process.stdout.write(`${name} ${version}\n`)
  }
  lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)))
  if (missing.length > 0) writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) complete()
