import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import {
  ErrorResponse,
  MatchRequest,
  MatchResponse,
  ModelsResponse,
  SignInRequest,
  signInMessage,
  statementFromText,
  statementToText,
} from '../src/index.ts'
import { makeNode } from '../vectors/material.ts'

describe('bodies of the HTTP API', () => {
  it('statements come back as they went', async () => {
    const node = await makeNode('node')
    const text = statementToText(node.signed)
    expect(statementFromText(text)).toEqual(node.signed)
    const match = { node: node.nodeId, statement: text, evidence: null, lease: 'lease', expires: 1 }
    expect(v.parse(MatchResponse, match)).toEqual(match)
    expect(() => statementFromText({ ...text, body: '=' })).toThrow(RangeError)
    expect(v.is(MatchResponse, { ...match, node: node.nodeId.toUpperCase() })).toBe(false)
    expect(v.is(MatchResponse, { ...match, statement: { ...text, signature: text.signature.slice(1) } })).toBe(false)
  })

  it('sign-in is by Telegram or by key', () => {
    const [key, signature] = ['A'.repeat(43), 'A'.repeat(86)]
    expect(v.is(SignInRequest, { method: 'telegram', initData: 'query_id=1', key })).toBe(true)
    expect(v.is(SignInRequest, { method: 'key', key, time: 1, signature })).toBe(true)
    expect(v.is(SignInRequest, { method: 'renewal', renewal: 'x', time: 1, signature })).toBe(true)
    for (const wrong of [
      { method: 'password' },
      { method: 'renewal', renewal: 'x'.repeat(1025), time: 1, signature },
      { method: 'renewal', renewal: 'x', time: 1.5, signature },
      { method: 'telegram', initData: 'x'.repeat(8193), key },
      { method: 'telegram', initData: 'x' },
      { method: 'key', key: `${key}A`, time: 1, signature },
      { method: 'key', key, time: -1, signature },
      { method: 'key', key, time: 1, signature: `${signature.slice(1)}=` },
    ]) {
      expect(v.is(SignInRequest, wrong)).toBe(false)
    }
    expect(signInMessage('https://a.example', 5)).toBe('https://a.example\n5')
  })

  it('a match excludes at most eight nodes', () => {
    const one = { model: 'm', policy: 'private', exclude: ['0'.repeat(64)] }
    expect(v.is(MatchRequest, one)).toBe(true)
    expect(v.parse(MatchRequest, { model: 'm', policy: 'open' })).toMatchObject({ exclude: [] })
    expect(v.is(MatchRequest, { ...one, exclude: Array.from({ length: 9 }, () => '0'.repeat(64)) })).toBe(false)
    expect(v.is(MatchRequest, { ...one, policy: 'secret' })).toBe(false)
    expect(v.is(MatchRequest, { ...one, wish: 1 })).toBe(false)
  })

  it('errors have codes of the broker, amounts are decimal text', () => {
    expect(v.is(ErrorResponse, { error: { code: 'no-node', message: 'x' } })).toBe(true)
    expect(v.is(ErrorResponse, { error: { code: 'forged-frame', message: 'x' } })).toBe(false)
    const price = { prompt: '1', cached: '1', completion: '1', reasoning: '1' }
    const model = { id: 'm', name: 'M', about: '', nodes: 1, free: 1, price, context: 1 }
    const models = (change: object) => v.is(ModelsResponse, { network: -239, models: [{ ...model, ...change }] })
    expect([models({}), models({ price: null })]).toEqual([true, true])
    for (const prompt of ['-1', '1.5', '', '1e3', '1'.repeat(21), 1])
      expect(models({ price: { ...price, prompt } })).toBe(false)
    expect(models({ free: -1 })).toBe(false)
  })
})
