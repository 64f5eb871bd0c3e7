// npm start: prepares the checkout, then `odradek dev` with whatever arguments follow `npm start --`.
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { prepare, root } from './prepare.mjs'

const lookEveryMs = 250

/** Linux tells whose child a process is; elsewhere only our own parent is known. */
function parentOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[1]
  } catch {
    return undefined
  }
}

/**
 * npm runs this in a shell, and passes a signal on to the shell, which dies of it and leaves us behind: when the shell or npm is gone, the
 * cluster is stopped in order as if the signal had come here.
 */
function stopWith(shell, npm) {
  const timer = setInterval(() => {
    if (process.ppid === shell && parentOf(shell) === npm) return
    clearInterval(timer)
    process.kill(process.pid, 'SIGTERM')
  }, lookEveryMs)
  timer.unref()
}

// before anything that takes its time: who is gone by then is missed all the same
const shell = process.ppid
const npm = parentOf(shell)
if (process.env.ODRADEK_DIST === undefined) prepare()
if (process.env.npm_lifecycle_event === 'start') stopWith(shell, npm)
const built = resolve(process.env.ODRADEK_DIST ?? join(root, 'dist'))
const bundled = join(built, 'app', 'main.js')
const main = existsSync(bundled) ? bundled : join(built, 'cli', 'main.js')
process.argv = [process.argv[0] ?? process.execPath, main, 'dev', ...process.argv.slice(2)]
await import(pathToFileURL(main).href)
