// Hunts one mutant in a process of its own, by the hunters it names, until it is found or its budget of seeds is over.
import { execFile, fork } from 'node:child_process'
import { join } from 'node:path'
import { bundle, bundleTest, root } from './bundle.mjs'

/** A seed that takes longer does not end: the mutant is caught as well. */
const seedMsMax = 120_000
const testMsMax = 180_000

/**
 * @typedef {{ outcome: 'found' | 'survived' | 'stale' | 'broken' | 'unjust', found: object | null, why: string, wallMs: number }} Result
 * `broken`: the mutant does not run at all; `unjust`: the product as it is was found guilty of the same.
 */

/** @returns {Promise<Result>} */
export async function hunted(mutant, clean) {
  let program = ''
  try {
    program = await bundle(mutant)
  } catch (error) {
    const isStale = String(error).includes('stale mutant')
    return { outcome: isStale ? 'stale' : 'broken', found: null, why: String(error).split('\n')[0], wallMs: 0 }
  }
  const simulations = mutant.hunters.filter(({ test }) => test === undefined)
  const result = simulations.length === 0 ? nobodyYet : verdict(await run(program, clean, simulations))
  return result.outcome === 'survived' ? byTests(mutant, result) : result
}

const nobodyYet = { outcome: 'survived', found: null, why: 'its tests pass', wallMs: 0 }

/** Seeded tests hunt what no simulation of its own has. */
async function byTests(mutant, result) {
  let { wallMs } = result
  for (const { test } of mutant.hunters) {
    if (test === undefined) continue
    const started = performance.now()
    const failure = await failureOf(await bundleTest(mutant, test))
    wallMs += performance.now() - started
    if (failure === null) continue
    const alsoClean = await failureOf(await bundleTest(null, test))
    const found = { simulation: test.replace(/\.test\.ts$/, ''), seed: 0, tried: 0, rule: failure, line: failure }
    if (alsoClean !== null) return { outcome: 'unjust', found, why: `${test}: ${alsoClean}`, wallMs }
    return { outcome: 'found', found, why: '', wallMs }
  }
  return { ...result, wallMs }
}

/** The name of the first test that fails, or null. */
function failureOf(program) {
  return new Promise((resolve) => {
    const options = { cwd: root, timeout: testMsMax, maxBuffer: 64 * 1024 * 1024, killSignal: 'SIGKILL' }
    execFile(process.execPath, ['--test-reporter=tap', program], options, (error, stdout) => {
      if (error === null) return resolve(null)
      resolve(/^ *not ok \d+ - (.*)$/m.exec(stdout)?.[1] ?? 'the tests do not end')
    })
  })
}

function run(program, clean, hunters) {
  return new Promise((resolve) => {
    const started = performance.now()
    const child = fork(join(root, 'test', 'sabotage', 'hunt.mjs'), [program, clean, JSON.stringify(hunters)], {
      cwd: root,
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      execArgv: ['--disable-proto=throw'],
    })
    let last = null
    let tried = 0
    let done = null
    let said = ''
    let watch = setTimeout(() => child.kill('SIGKILL'), seedMsMax)
    child.stderr.setEncoding('utf8').on('data', (text) => (said = (said + text).slice(-4000)))
    child.on('message', (message) => {
      clearTimeout(watch)
      watch = setTimeout(() => child.kill('SIGKILL'), seedMsMax)
      if (message.type === 'done') done = message
      else {
        last = message
        tried += 1
      }
    })
    child.on('exit', (code, signal) => {
      clearTimeout(watch)
      const wallMs = performance.now() - started
      if (done !== null) resolve(done)
      else
        resolve({
          died: signal === 'SIGKILL' ? `a seed takes longer than ${seedMsMax / 1000} s` : `${signal ?? code}: ${said}`,
          last,
          tried,
          wallMs,
        })
    })
  })
}

function verdict({ died, last, tried, found, wallMs, alsoClean }) {
  if (died !== undefined) {
    const line = died.split('\n').find((it) => /Error|longer/.test(it)) ?? died
    if (last === null) return { outcome: 'broken', found: null, why: line, wallMs }
    return { outcome: 'found', found: { ...last, tried, rule: 'the process ends', line }, why: '', wallMs }
  }
  if (found === null) return { outcome: 'survived', found, why: 'its budget of seeds is over', wallMs }
  if (alsoClean !== null) return { outcome: 'unjust', found, why: `${found.simulation}, seed ${found.seed}: ${alsoClean.line}`, wallMs }
  const isBroken = found.rule === 'ReferenceError' || found.rule === 'SyntaxError' || found.line.endsWith(' is not defined')
  if (isBroken) return { outcome: 'broken', found, why: found.line, wallMs }
  return { outcome: 'found', found, why: '', wallMs }
}
