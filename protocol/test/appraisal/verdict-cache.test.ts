import { beforeAll, describe, expect, it } from 'vitest'
import { developmentSigner, type ScenePlan } from '../../../localnet/src/tee/index.ts'
import {
  type Bytes,
  hex,
  type Statement,
  signStatement,
  type VerifiedStatement,
  verifyStatement,
} from '../../src/index.ts'
import {
  type AppraisalInput,
  appraiseUnder,
  checkStandingUnder,
  type PrivateAppraisal,
} from '../../src/appraisal/appraise.ts'
import { collateralDigest, decodeCollateral, encodeCollateral } from '../../src/appraisal/collateral.ts'
import { pins } from '../../src/appraisal/pins/development.ts'
import { pins as production } from '../../src/appraisal/pins/production.ts'
import { registryDigest } from '../../src/appraisal/registry.ts'
import { signStamp } from '../../src/appraisal/registry-signing.ts'
import { type Revocable, revocable, type RevocableKind, type Stamp, type Standing } from '../../src/appraisal/stamp.ts'
import { statementChecks } from '../../src/appraisal/statement-binding.ts'
import {
  policyDigest,
  prune,
  recall,
  remember,
  type VerdictCache,
  verdictKey,
} from '../../src/appraisal/verdict-cache.ts'
import { cbor } from '../../vectors/by-hand.ts'
import { codeOf } from '../refused.ts'
import { inputOf, sceneOf } from './judge.ts'
import { outcome, passed } from './scenes.ts'
import { DAY, first, NOW } from './simulated.ts'

const HOUR = 3600
let plan: ScenePlan, input: AppraisalInput, verdict: PrivateAppraisal, key: string, cache: VerdictCache

beforeAll(async () => {
  plan = await sceneOf('tdx')
  input = await inputOf(plan)
  verdict = passed(await appraiseUnder(pins, input))
  key = await keyOf({})
  cache = remember(new Map(), key, verdict)
})

const keyOf = async (change: Partial<Parameters<typeof verdictKey>[0]>): Promise<string> =>
  verdictKey({
    evidence: verdict.evidence,
    collateral: input.collateral,
    registry: await registryDigest(input.registry.body),
    policy: await policyDigest(pins),
    ...change,
  })

/** What registry and stamp say later, under another stamp. */
async function standing(change: Partial<Stamp> = {}, now = NOW): Promise<Standing> {
  const registry = await registryDigest(input.registry.body)
  const stamp = await signStamp({ ...plan.registry.stamp, registry, ...change }, await developmentSigner('stamp'))
  const { value, failure } = await checkStandingUnder(pins, { ...input, now, stamp, seen: verdict.seen })
  if (!value) throw new Error(failure?.message)
  return value
}
const newer = (revoked: Revocable[], now = NOW): Promise<Standing> => {
  const sequence = plan.registry.stamp.sequence + 1
  return standing({ sequence, issued: now, expires: now + DAY, revoked }, now)
}
async function stated(change: Partial<Statement>): Promise<VerifiedStatement> {
  const { statement } = input.statement
  const signed = await signStatement({ ...statement, ...change }, await developmentSigner('identity'))
  return verifyStatement(signed, statement.network)
}
async function recalled(now: Standing, statement = input.statement): Promise<string> {
  const found = await recall(cache, key, now, statement)
  return found ? outcome(found) : 'appraise anew'
}

describe('a verdict that is kept', () => {
  it('holds while nothing changes, with all its checks', async () => {
    const found = await recall(cache, key, await standing(), input.statement)
    expect(found).toEqual(verdict)
  })

  it('holds for the next statement over the same evidence, whose own checks run again', async () => {
    const next = await stated({ notBefore: NOW + 600, useBy: NOW + 1200 })
    expect(await recalled(await standing(), next)).toBe('private')
    const steps = (await recall(cache, key, await standing(), next))?.steps ?? []
    expect(steps.map(({ name }) => name)).toEqual(verdict.steps.map(({ name }) => name))
  })

  it('refuses a statement that the evidence does not cover, and says why', async () => {
    const late = await stated({ notBefore: NOW + DAY, useBy: NOW + DAY + 600 })
    expect(await recalled(await standing(), late)).toBe('statement-dates at statement.dates: fetch-again')
    const offer = { ...first(input.statement.statement.offers), model: 'cocoon-large' }
    expect(await recalled(await standing(), await stated({ offers: [offer] }))).toBe(
      'statement-model at statement.models: stop',
    )
    const refused = await recall(cache, key, await standing(), await stated({ offers: [offer] }))
    expect(refused?.steps.slice(-statementChecks.length).map(({ status }) => status)).toEqual([
      'passed',
      'passed',
      'passed',
      'failed',
    ])
  })

  it('says nothing of other evidence, nor of none', async () => {
    expect(await recalled(await standing(), await stated({ evidence: new Uint8Array(32) }))).toBe('appraise anew')
    expect(await recalled(await standing(), await stated({ evidence: null }))).toBe('appraise anew')
    expect(
      await recall(cache, await keyOf({ evidence: new Uint8Array(32) }), await standing(), input.statement),
    ).toBeNull()
  })

  it('ends with its date', async () => {
    expect(verdict.expires).toBe(NOW + DAY)
    const fresh = (now: number): Promise<Standing> => newer([], now)
    expect(await recalled(await fresh(verdict.expires))).toBe('private')
    expect(await recalled(await fresh(verdict.expires + 1))).toBe('appraise anew')
  })

  it('outlives a slow clock no more than any other', async () => {
    const ahead = verdict.expires + 1
    const slow = await standing({ sequence: 200, issued: ahead, expires: ahead + HOUR }, ahead - HOUR)
    expect(await recalled(slow)).toBe('appraise anew')
  })

  it.each(Object.keys(revocable) as RevocableKind[])(
    'is beaten by a newer stamp that takes back its %s',
    async (kind) => {
      const subject = first(verdict.subjects.filter((one) => one.kind === kind))
      const now = await newer([subject])
      expect(await recalled(now)).toBe('appraise anew')
      expect(prune(cache, now).size).toBe(0)
      const other = { kind, value: new Uint8Array(revocable[kind]).fill(0xee) }
      expect(await recalled(await newer([other]))).toBe('private')
    },
  )

  it('hands on what was seen last, so that a stamp seen meanwhile is not forgotten', async () => {
    const now = await newer([])
    const found = await recall(cache, key, now, input.statement)
    expect(found?.seen?.stamp.sequence).toBe(plan.registry.stamp.sequence + 1)
  })
})

describe('the key of a verdict', () => {
  it('differs with evidence, collateral, registry and build', async () => {
    const other: Bytes = new Uint8Array(32)
    if (input.collateral.tee !== 'tdx') throw new Error('another kind')
    const collateral = { ...input.collateral, tdx: { ...input.collateral.tdx, rootCrl: other } }
    const keys = [
      key,
      await keyOf({ evidence: other }),
      await keyOf({ collateral }),
      await keyOf({ registry: other }),
      await keyOf({ policy: await policyDigest(production) }),
      await keyOf({ policy: await policyDigest({ ...pins, owners: { ...pins.owners, threshold: 1 } }) }),
    ]
    expect(new Set(keys).size).toBe(keys.length)
    expect(key).toMatch(/^[0-9a-f]{64}$/)
  })
})

describe('the cache', () => {
  it('is a value: remembering changes no other', () => {
    const empty: VerdictCache = new Map()
    expect(remember(empty, key, verdict).size).toBe(1)
    expect(empty.size).toBe(0)
    expect(remember(cache, key, verdict).size).toBe(1)
  })

  it('keeps the newest 256', () => {
    let full = cache
    for (let i = 0; i < 300; i++) full = remember(full, `other ${i}`, verdict)
    expect(full.size).toBe(256)
    expect([full.has(key), full.has('other 0'), full.has('other 299')]).toEqual([false, false, true])
  })

  it('drops what ended and keeps the rest', async () => {
    const both = remember(cache, 'short', { ...verdict, expires: NOW - 1 })
    expect([...prune(both, await standing()).keys()]).toEqual([key])
  })
})

describe('collateral', () => {
  it('has one encoding and comes back from it', async () => {
    for (const base of ['tdx', 'snp'] as const) {
      const { collateral } = await inputOf(await sceneOf(base))
      const encoded = encodeCollateral(collateral)
      const decoded = decodeCollateral(encoded)
      expect(hex(encodeCollateral(decoded))).toBe(hex(encoded))
      expect(hex(await collateralDigest(decoded))).toBe(hex(await collateralDigest(collateral)))
      expect(hex(encoded)).toBe(hex(cbor(decoded)))
    }
  })

  it('of another form is refused', async () => {
    expect(await codeOf(() => decodeCollateral(cbor({ tee: 'sgx', sgx: {} })))).toBe('broken-encoding')
    expect(await codeOf(() => decodeCollateral(cbor({ tee: 'sev-snp', snp: { vcek: new Uint8Array() } })))).toBe(
      'broken-encoding',
    )
    expect(await codeOf(() => decodeCollateral(new Uint8Array(0)))).toBe('broken-encoding')
  })
})
