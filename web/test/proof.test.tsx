import { describe, expect, test } from 'vitest'
import { planFor } from '../../protocol/src/appraisal/appraise.ts'
import { groupOf, groupSteps, type ProofStep } from '../src/proof-groups.ts'
import { proofEn } from '../src/words/en-proof.ts'

const step = (name: string, status: ProofStep['status'] = 'passed'): ProofStep => ({
  name,
  status,
  code: null,
  detail: '',
})

describe('the checks of an appraisal', () => {
  test.each(['tdx', 'sev-snp'] as const)('of %s are all shown, each in one group, in words', (tee) => {
    const plan = planFor(tee).map(({ name }) => step(name))
    const groups = groupSteps(plan)
    expect(groups.flatMap(({ steps }) => steps).length).toBe(plan.length)
    expect(groups.map(({ group }) => group)).toEqual([
      'hardware',
      'firmware',
      'closed',
      'software',
      'gpu',
      'key',
      'owners',
    ])
  })

  test('fail as a group with any of them, and are not called passed when one was not reached', () => {
    const groups = groupSteps([
      step('td.attributes', 'failed'),
      step('td.features', 'not-reached'),
      step('gpu.mode', 'not-reached'),
    ])
    expect(groups.map(({ status }) => status)).toEqual(['failed', 'not-reached'])
  })

  test('are grouped by the longest beginning that fits', () => {
    expect(['tdx.tcb', 'tdx.quote', 'claims.report-data', 'claims.dates'].map(groupOf)).toEqual([
      'firmware',
      'hardware',
      'software',
      'key',
    ])
  })

  test('have words for both ways they can end', () => {
    for (const { holds, fails } of Object.values(proofEn.groups)) expect(holds).not.toBe(fails)
  })
})
