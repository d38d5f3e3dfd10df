import { describe, expect, it } from 'vitest'
import { AppraisalError, type Check, inSteps } from '../../src/appraisal/failure.ts'

const plan: Check[] = ['one', 'two', 'three'].map((name) => ({ name, source: `on ${name}`, blame: 'evidence' }))
const refuse = (error: AppraisalError) => () => {
  throw error
}
const statuses = (steps: readonly { status: string }[]) => steps.map(({ status }) => status)

describe('the record of an appraisal', () => {
  it('lists every check with what was found and where the rule is from', async () => {
    const { steps, failure, value } = await inSteps(plan, async (record) => {
      await record.run('one', (found) => found('this'))
      await record.run('two', () => 2)
      return record.run('three', async () => 3)
    })
    expect(failure).toBe(null)
    expect(value).toBe(3)
    expect(statuses(steps)).toEqual(['passed', 'passed', 'passed'])
    expect(steps[0]).toEqual({ name: 'one', status: 'passed', code: null, detail: 'this', source: 'on one' })
  })

  it('stops at the first failure and says what was not reached', async () => {
    const { steps, failure, value } = await inSteps(plan, async (record) => {
      await record.run('one', () => 1)
      await record.run('two', refuse(new AppraisalError('qe-debug', 'found this')))
    })
    expect(value).toBe(null)
    expect(failure).toEqual({ code: 'qe-debug', blame: 'evidence', message: 'found this', step: 'two' })
    expect(statuses(steps)).toEqual(['passed', 'failed', 'not-reached'])
    expect(steps[1]).toEqual({
      name: 'two',
      status: 'failed',
      code: 'qe-debug',
      detail: 'found this',
      source: 'on two',
    })
  })

  it('turns an exception nobody foresaw into a typed failure of that check', async () => {
    const { failure } = await inSteps(plan, async (record) => {
      await record.run('one', () => Object.keys(null as unknown as object))
    })
    expect(failure).toMatchObject({ code: 'malformed', blame: 'evidence', step: 'one' })
  })

  it('takes no appraisal for done that left a check out', async () => {
    const { failure } = await inSteps(plan, (record) => record.run('one', () => 1))
    expect(failure).toMatchObject({ code: 'not-checked', step: 'two' })
  })

  it('takes no appraisal for done that ran a check out of turn, or one that was not planned', async () => {
    const outOfTurn = await inSteps(plan, (record) => record.run('two', () => 1))
    expect(outOfTurn.failure).toMatchObject({ code: 'not-checked', step: 'one' })
    const unplanned = await inSteps([], (record) => record.run('one', () => 1))
    expect(unplanned.failure).toMatchObject({ code: 'not-checked', step: 'plan' })
  })

  it('runs nothing after a failure, even when the failure was caught on the way', async () => {
    let reached = false
    const { failure, steps } = await inSteps(plan, async (record) => {
      await record.run('one', refuse(new AppraisalError('crl-missing', 'none'))).catch(() => null)
      await record.run('two', () => {
        reached = true
      })
    })
    expect(reached).toBe(false)
    expect(failure).toMatchObject({ code: 'crl-missing', blame: 'endorsement', step: 'one' })
    expect(statuses(steps)).toEqual(['failed', 'not-reached', 'not-reached'])
  })

  it('accepts checks that only reading shows to be needed', async () => {
    const { steps } = await inSteps([], async (record) => {
      record.expect(plan)
      for (const { name } of plan) await record.run(name, () => 1)
    })
    expect(statuses(steps)).toEqual(['passed', 'passed', 'passed'])
  })

  it('blames by the code where one rule has one culprit, and by the check where it has several', async () => {
    const blameOf = async (error: AppraisalError) =>
      (await inSteps(plan, (record) => record.run('one', refuse(error)))).failure?.blame
    expect(await blameOf(new AppraisalError('tcb-revoked', ''))).toBe('policy')
    expect(await blameOf(new AppraisalError('chain-expired', ''))).toBe('evidence')
    expect(await blameOf(new AppraisalError('chain-expired', '', { blame: 'endorsement' }))).toBe('endorsement')
  })

  it('keeps details short enough to show', async () => {
    const { steps } = await inSteps(plan.slice(0, 1), (record) => record.run('one', (found) => found('x'.repeat(9999))))
    expect(steps[0]?.detail).toHaveLength(300)
  })
})
