// The history of a round: what clients asked for and were told, as src/sim/history has it, and what it says about it.
import { closeSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { dist } from '../rig/build.mjs'

const load = (/** @type {string} */ name) => import(pathToFileURL(join(dist, 'sim', 'history', name)).href)
const { HistoryRecorder } = await load('recorder.js')
const { examine } = await load('judge.js')
const { tell } = await load('describe.js')
