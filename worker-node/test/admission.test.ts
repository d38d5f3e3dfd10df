import {
  concat,
  createSigner,
  fromUtf8,
  networks,
  secureRandom,
  type SignedStatement,
  statementDigest,
} from '@cocoon/protocol'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { admit, type Admission, type AdmissionRules, type ArrivedJob } from '../src/admission.ts'
import { PREKEY_LIFETIME, PrekeyRing } from '../src/prekeys.ts'
import { SeenJobs } from '../src/seen-jobs.ts'
import { type Fault, faults, faultyArrival, junkWrap, OWN_LIMIT } from './arrival-faults.ts'
import { HandClock } from './hand-clock.ts'
import { chatBody, sealJob, wrapJob } from './sealed-job.ts'
import { MODEL, termsOf } from './terms.ts'

const clock = new HandClock()
let prekeys: PrekeyRing
let seen: SeenJobs
let live: SignedStatement
let expired: SignedStatement
/** Reads of the private prekey: nothing can be decapsulated without one. */
let decapsulations = 0
let taken = 0

beforeAll(async () => {
  const terms = termsOf({ limits: { request: OWN_LIMIT, seconds: 60 } })
  prekeys = new PrekeyRing(await createSigner(), terms, clock)
  expired = await prekeys.rotate()
  clock.pass(PREKEY_LIFETIME)
  live = await prekeys.rotate()
  const found = prekeys.find(await statementDigest(live.body))
  if (!found || found === 'expired') throw new Error('the prekey should live')
  const { privateKey } = found.prekey
  Object.defineProperty(found.prekey, 'privateKey', {
    get() {
      decapsulations += 1
      return privateKey
    },
  })
})

beforeEach(() => {
  seen = new SeenJobs(clock, PREKEY_LIFETIME)
  decapsulations = 0
  taken = 0
})

function rules(more: Partial<AdmissionRules> = {}): AdmissionRules {
  return {
    network: networks.localnet,
    prekeys,
    seen,
    private: false,
    serves: (model) => model === MODEL,
    takeSlot: () => {
      taken += 1
      return 'taken'
    },
    releaseSlot: () => {
      taken -= 1
    },
    ...more,
  }
}

const codeOf = (admission: Admission) => (admission.kind === 'refused' ? admission.code : admission.kind)
const arrival = async (sealed: ReturnType<typeof sealJob>): Promise<ArrivedJob> => {
  const { job, chunks } = await sealed
  return { job, chunks: chunks.map(({ body }) => body) }
}

const expected: Record<Fault, string> = {
  length: 'too-large',
  version: 'wrong-version',
  network: 'wrong-network',
  'unknown statement': 'unknown-statement',
  'expired statement': 'expired-statement',
  'own limit': 'too-large',
  'job id': 'wrong-job-id',
  seen: 'already-seen',
  model: 'unknown-model',
  policy: 'wrong-policy',
  slot: 'busy',
  'junk wrap': 'cannot-open',
  commit: 'wrong-commit',
  padding: 'bad-padding',
}
const cheap = faults.slice(0, faults.indexOf('junk wrap'))

async function admitWith(wrong: ReadonlySet<Fault>, slot: 'busy' | 'draining' = 'busy'): Promise<Admission> {
  const arrived = await faultyArrival(wrong, live, expired)
  if (wrong.has('seen')) await seen.add(arrived.job.jobId, junkWrap())
  return admit(arrived, rules(wrong.has('slot') ? { takeSlot: () => slot } : {}))
}

describe('a node looks at a job in its order', () => {
  test.each(faults)('%s comes before all that follow', async (fault) => {
    const wrong = new Set(faults.slice(faults.indexOf(fault)))
    expect(codeOf(await admitWith(wrong))).toBe(expected[fault])
    expect(decapsulations).toBe(cheap.includes(fault) ? 0 : 1)
    expect(taken).toBe(0)
  })

  test.each(faults)('%s alone is refused for its own code', async (fault) => {
    expect(codeOf(await admitWith(new Set([fault])))).toBe(expected[fault])
    expect(taken).toBe(0)
  })

  test('a node that leaves says so', async () => {
    expect(codeOf(await admitWith(new Set<Fault>(['slot']), 'draining'))).toBe('draining')
    expect(decapsulations).toBe(0)
  })

  test('a job without a fault opens, with one decapsulation and one slot', async () => {
    const admission = await admitWith(new Set())
    if (admission.kind !== 'opened') throw new Error(codeOf(admission))
    expect(fromUtf8(admission.content)).toBe(fromUtf8(chatBody('hello')))
    expect(admission.header.model).toBe(MODEL)
    expect([decapsulations, taken]).toEqual([1, 1])
  })
})

describe('a job that comes again', () => {
  test('under the same wrap is known, and opens nothing', async () => {
    const arrived = await arrival(sealJob(live))
    expect(codeOf(await admit(arrived, rules()))).toBe('opened')
    expect(codeOf(await admit(arrived, rules({ takeSlot: () => 'busy' })))).toBe('again')
    expect([decapsulations, taken]).toEqual([1, 1])
  })

  test('under another wrap is refused, and opens nothing', async () => {
    const first = await sealJob(live)
    expect(codeOf(await admit(await arrival(Promise.resolve(first)), rules()))).toBe('opened')
    const other = wrapJob(live, first.sealed, first.contentKey)
    expect(codeOf(await admit(await arrival(other), rules()))).toBe('already-seen')
    expect(decapsulations).toBe(1)
  })

  test('after junk under its name is opened all the same', async () => {
    const good = await arrival(sealJob(live))
    const junk = { ...good, job: { ...good.job, wrap: junkWrap() } }
    for (let i = 0; i < 3; i++) expect(codeOf(await admit(junk, rules()))).toBe('cannot-open')
    expect(codeOf(await admit(good, rules()))).toBe('opened')
    expect(taken).toBe(1)
  })
})

describe('refused as well', () => {
  test('a body larger than the protocol allows', async () => {
    const good = await arrival(sealJob(live))
    const chunks = Array.from({ length: 8 }, () => new Uint8Array(1024 * 1024))
    const bodyLength = good.job.body.length + 8 * 1024 * 1024
    expect(codeOf(await admit({ job: { ...good.job, bodyLength }, chunks }, rules()))).toBe('too-large')
  })

  test('a header that is none', async () => {
    const good = await arrival(sealJob(live))
    const header = concat(good.job.header, Uint8Array.of(0))
    expect(codeOf(await admit({ ...good, job: { ...good.job, header } }, rules()))).toBe('cannot-open')
    expect(decapsulations).toBe(0)
  })

  test('a wrap made for another prekey of the same node', async () => {
    const stranger = new PrekeyRing(await createSigner(), termsOf(), clock)
    const elsewhere = await arrival(sealJob(await stranger.rotate()))
    const here = { ...elsewhere, job: { ...elsewhere.job, statement: await statementDigest(live.body) } }
    expect(codeOf(await admit(here, rules()))).toBe('cannot-open')
  })

  test('a job whose body belongs to another', async () => {
    const [one, two] = [await arrival(sealJob(live)), await arrival(sealJob(live))]
    const mixed = { ...one, job: { ...one.job, body: two.job.body } }
    expect(codeOf(await admit(mixed, rules()))).toBe('wrong-job-id')
  })
})

test('a private job opens on a private node', async () => {
  const arrived = await arrival(sealJob(live, { policy: 'private' }))
  expect(codeOf(await admit(arrived, rules({ private: true })))).toBe('opened')
})

test('a fault of our own gives the slot back and is not passed off as a refusal', async () => {
  const arrived = await arrival(sealJob(live))
  const broken = new SeenJobs(clock, PREKEY_LIFETIME)
  broken.add = () => Promise.reject(new RangeError('out of memory'))
  await expect(admit(arrived, rules({ seen: broken }))).rejects.toThrow('out of memory')
  expect(taken).toBe(0)
})

test('what a refusal is bound to is the job as it came', async () => {
  const arrived = await arrival(sealJob(live))
  const jobId = secureRandom(32)
  const admission = await admit({ ...arrived, job: { ...arrived.job, jobId } }, rules())
  expect(admission).toMatchObject({ binding: { jobId, statement: arrived.job.statement } })
})
