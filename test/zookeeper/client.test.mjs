// Our client against a real ZooKeeper ensemble: the trials that it also goes through with the model.
import { after, before, describe, test } from 'node:test'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { dist } from '../rig/build.mjs'
import { startEnsemble, trialEnsemble, withoutZooKeeper } from './ensemble.mjs'

const { runTrial, trials } = await import(pathToFileURL(join(dist, 'sim/zookeeper/trials.js')).href)

describe('the client and a real ensemble', { skip: withoutZooKeeper() }, () => {
  /** @type {Awaited<ReturnType<typeof startEnsemble>>} */
  let ensemble

  before(async () => {
    ensemble = await startEnsemble()
  })
  after(() => ensemble?.remove())

  for (const trial of trials) test(trial.name, { timeout: 120_000 }, () => runTrial(trial, trialEnsemble(ensemble)))
})
