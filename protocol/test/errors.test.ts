import { describe, expect, it } from 'vitest'
import {
  actionOf,
  brokerCodes,
  CocoonError,
  deviceCodes,
  type ErrorCode,
  failureCodes,
  isBrokerCode,
  isFailureCode,
  isRefusalCode,
  refusalCodes,
} from '../src/index.ts'

const tables = { refusalCodes, failureCodes, brokerCodes, deviceCodes }

describe('error codes', () => {
  it('mean one thing: none stands in two tables', () => {
    const codes = Object.values(tables).flatMap((table) => Object.keys(table))
    expect(new Set(codes).size).toBe(codes.length)
  })

  it('say what to do', () => {
    for (const table of Object.values(tables)) {
      for (const [code, action] of Object.entries(table)) {
        expect(actionOf(code as ErrorCode)).toBe(action)
        expect(new CocoonError(code as ErrorCode, 'x')).toMatchObject({
          name: 'CocoonError',
          code,
          action,
          message: 'x',
        })
      }
    }
  })

  it('of a broker never stop a person with a security failure, and no security failure is retried', () => {
    expect(Object.values(brokerCodes)).not.toContain('stop')
    expect(Object.values(refusalCodes)).not.toContain('stop')
    for (const code of [
      'forged-frame',
      'forged-refusal',
      'bad-statement',
      'not-attested',
      'broken-encoding',
      'wrong-node',
    ] as const) {
      expect(actionOf(code)).toBe('stop')
    }
  })

  it('are told apart by table, inherited names included', () => {
    expect([isRefusalCode('busy'), isFailureCode('busy'), isBrokerCode('busy')]).toEqual([true, false, false])
    expect([isRefusalCode('engine-failed'), isFailureCode('engine-failed'), isBrokerCode('engine-failed')]).toEqual([
      false,
      true,
      false,
    ])
    expect([isRefusalCode('no-node'), isFailureCode('no-node'), isBrokerCode('no-node')]).toEqual([false, false, true])
    for (const is of [isRefusalCode, isFailureCode, isBrokerCode])
      expect([is('toString'), is('__proto__')]).toEqual([false, false])
  })

  it('carry a cause and a delay where there is one', () => {
    const cause = new TypeError('y')
    const error = new CocoonError('no-node', 'x', { cause, retryAfterMs: 5 })
    expect([error.cause, error.retryAfterMs]).toEqual([cause, 5])
    expect('cause' in new CocoonError('no-node', 'x')).toBe(false)
  })
})
