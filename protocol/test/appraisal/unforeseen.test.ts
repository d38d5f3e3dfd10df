import { describe, expect, it } from 'vitest'
import { pins } from '../../src/appraisal/pins/development.ts'
import { type GpuEvidence, gpuEvidenceDigest } from '../../src/appraisal/evidence.ts'
import { AppraisalError, type Check, inSteps, Steps } from '../../src/appraisal/failure.ts'
import { gpuChecks, verifyGpus } from '../../src/appraisal/gpu/verify.ts'
import { decodeClaims } from '../../src/appraisal/claims.ts'
import { decodeEvidence } from '../../src/appraisal/evidence.ts'
import { inputOf, NOW, sceneOf } from './judge.ts'

describe('an exception that nobody foresaw', () => {
  it.each([
    ['of ours', new AppraisalError('malformed', 'outside'), 'malformed'],
    ['of the runtime', new TypeError('outside'), 'malformed'],
  ])('is a refusal outside of every check, too: %s', async (_, error, code) => {
    const done: Check = { name: 'done', source: '', blame: 'evidence' }
    const { failure, value } = await inSteps([done], async (steps) => {
      await steps.run('done', () => {})
      throw error
    })
    expect(value).toBe(null)
    expect(failure).toMatchObject({ code, message: 'outside' })
  })

  it('keeps its cause where it happens to one GPU', async () => {
    const { evidence } = await inputOf(await sceneOf('tdx'))
    const claims = decodeClaims(decodeEvidence(evidence).claims)
    // What no decoder lets through.
    const gpu = { report: 'a text', chain: [] } as unknown as GpuEvidence
    const input = { gpus: [gpu], expected: 1, root: pins.nvidiaRoot, now: NOW }
    const named = { ...claims, gpu: [await gpuEvidenceDigest(gpu)] }
    const error: unknown = await verifyGpus(new Steps(gpuChecks), { ...input, claims: named }).catch((caught) => caught)
    expect(error).toBeInstanceOf(AppraisalError)
    expect(error).toMatchObject({ code: 'malformed', cause: expect.any(TypeError) as unknown })
  })
})
