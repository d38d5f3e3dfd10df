import { createSigner, secureRandom } from '@cocoon/protocol'
import { expect, test } from 'vitest'
import { NodeJobs } from '../src/node-jobs.ts'
import { PrekeyRing, systemClock } from '../src/prekeys.ts'
import { until } from './relay.ts'
import { sealJob } from './sealed-job.ts'
import { ends, says, ScriptedEngine } from './scripted-engine.ts'
import { MODEL, termsOf } from './terms.ts'

test('forget, while a job is opened, keeps it from the engine and frees its slot', async () => {
  const signer = await createSigner()
  const prekeys = new PrekeyRing(signer, termsOf(), systemClock)
  const job = await sealJob(await prekeys.rotate())
  const engine = new ScriptedEngine(() => [says('Hello'), ends()], { slots: 1 })
  const events: string[] = []
  const link = { send: () => undefined, sendBytes: () => true, rejoin: () => undefined }
  const random = (length: number) => {
    // The last thing that is done before the engine is asked.
    jobs.forget({ kind: 'forget', jobId: job.job.jobId })
    return secureRandom(length)
  }
  const options = { terms: termsOf(), engine, engineModels: new Map([[MODEL, MODEL]]) }
  const jobs = new NodeJobs(
    { ...options, log: (event) => events.push(event) },
    { signer, prekeys, clock: systemClock, random, link, loadChanged: () => undefined },
  )
  jobs.arrive(job.job)
  expect(jobs.known).toEqual([job.job.jobId])
  await until(() => jobs.known.length === 0, 'it is known no more')
  expect([events, engine.requests, jobs.free]).toEqual([['job.forgotten'], [], 1])
})
