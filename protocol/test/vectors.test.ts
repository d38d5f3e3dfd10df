import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import {
  amountOf,
  type Bytes,
  CocoonError,
  createPrekey,
  createSigner,
  decodeCbor,
  decodeFrame,
  decodeMessage,
  encodeCbor,
  encodeMessage,
  fromHex,
  fromUtf8,
  hex,
  openRequest,
  pad,
  padme,
  type Prekey,
  type Purpose,
  readHeader,
  type RefusalCode,
  requestBucket,
  ResponseOpener,
  unpad,
  verifyRefusal,
  verifySignature,
  verifyStatement,
} from '../src/index.ts'
import amount from '../vectors/amount.json' with { type: 'json' }
import cbor from '../vectors/cbor.json' with { type: 'json' }
import message from '../vectors/message.json' with { type: 'json' }
import padding from '../vectors/padding.json' with { type: 'json' }
import refusal from '../vectors/refusal.json' with { type: 'json' }
import request from '../vectors/request.json' with { type: 'json' }
import response from '../vectors/response.json' with { type: 'json' }
import signing from '../vectors/signing.json' with { type: 'json' }
import statement from '../vectors/statement.json' with { type: 'json' }
import { vectors } from '../vectors/vectors.ts'
import { codeOf } from './refused.ts'

const files = { amount, cbor, message, padding, refusal, request, response, signing, statement }

describe('the files of vectors', () => {
  it.each(Object.keys(files) as (keyof typeof files)[])('%s.json is what the code makes today', async (name) => {
    expect(files[name]).toEqual(await vectors[name]())
  })
})

describe('cbor', () => {
  it.each(cbor.valid)('$name', ({ hex: bytes }) => {
    expect(hex(encodeCbor(decodeCbor(v.unknown(), fromHex(bytes), 1000)))).toBe(bytes)
  })
  it.each(cbor.malformed)('refuses $name', async ({ hex: bytes, code }) => {
    expect(await codeOf(() => decodeCbor(v.unknown(), fromHex(bytes), 1000))).toBe(code)
  })
})

describe('padding', () => {
  it.each(padding.padme)('Padmé of $length is $padded', ({ length, padded }) => expect(padme(length)).toBe(padded))
  it.each(padding.requestBucket)('$length bytes go into a bucket of $padded', ({ length, padded }) => {
    expect(requestBucket(length)).toBe(padded)
  })
  it.each(padding.valid)('$name', ({ content, padded }) => {
    expect(hex(pad(fromHex(content), requestBucket))).toBe(padded)
    expect(hex(unpad(fromHex(padded), requestBucket))).toBe(content)
  })
  it.each(padding.malformed)('refuses $name', async ({ padded, code }) => {
    expect(await codeOf(() => unpad(fromHex(padded), requestBucket))).toBe(code)
  })
})

describe('amount', () => {
  it.each(amount.valid)('$name', ({ usage, price, amount: expected }) => {
    const exact = {
      prompt: BigInt(price.prompt),
      cached: BigInt(price.cached),
      completion: BigInt(price.completion),
      reasoning: BigInt(price.reasoning),
    }
    expect(amountOf(usage, exact)).toBe(BigInt(expected))
  })
})

describe('message', () => {
  it.each(message.valid)('$kind', ({ kind, hex: bytes }) => {
    const decoded = decodeMessage(fromHex(bytes))
    expect(decoded.kind).toBe(kind)
    expect(hex(encodeMessage(decoded))).toBe(bytes)
  })
  it.each(message.malformed)('refuses $name', async ({ hex: bytes, code }) => {
    expect(await codeOf(() => decodeMessage(fromHex(bytes)))).toBe(code)
  })
})

describe('signing', () => {
  it('makes the same key from the same seed', async () => {
    expect(hex((await createSigner(fromHex(signing.seed))).publicKey)).toBe(signing.publicKey)
  })
  it.each(signing.valid)('$purpose', async ({ purpose, message: signed, signature }) => {
    const verify = (other: string) =>
      verifySignature(other as Purpose, fromHex(signing.publicKey), fromHex(signature), fromHex(signed))
    expect(await verify(purpose)).toBe(true)
    expect(await verify('cocoon/1 session renewal')).toBe(false)
  })
})

describe('statement', () => {
  const signed = (one: { body: string; signature: string }) => ({
    body: fromHex(one.body),
    signature: fromHex(one.signature),
  })
  it.each(statement.valid)('of $nodeId', async (one) => {
    const { digest, nodeId } = await verifyStatement(signed(one), one.network)
    expect({ digest: hex(digest), nodeId }).toEqual({ digest: one.digest, nodeId: one.nodeId })
  })
  it.each(statement.malformed)('refuses $name', async (one) => {
    expect(await codeOf(() => verifyStatement(signed(one), one.network))).toBe(one.code)
  })
})

type RequestVector = (typeof request.valid)[number]
type RequestFields = Pick<RequestVector, 'jobId' | 'header' | 'body' | 'statement' | 'voucher' | 'enc' | 'ciphertext'>

describe('request', () => {
  const open = async (one: RequestFields, prekey: Prekey): Promise<Bytes> => {
    const { commit } = readHeader(fromHex(one.header), request.network)
    const wrap = { enc: fromHex(one.enc), ciphertext: fromHex(one.ciphertext) }
    const binding = { jobId: fromHex(one.jobId), statement: fromHex(one.statement), voucher: fromHex(one.voucher) }
    const sealed = { header: fromHex(one.header), body: fromHex(one.body), wrap, commit }
    return (await openRequest(sealed, prekey, binding)).content
  }
  const prekey = createPrekey(fromHex(request.prekeySeed))
  it('makes the same prekey from the same seed', async () => {
    expect(hex((await prekey).publicKey)).toBe(request.prekey)
  })
  it.each(request.valid)('$name', async (one) => {
    expect(fromUtf8(await open(one, await prekey))).toMatch(/^\{"messages"|^x{300}$/)
  })
  it.each(request.malformed)('refuses $name', async (one) => {
    expect(await codeOf(async () => open(one, await prekey))).toBe(one.code)
  })
})

describe('response', () => {
  const start = ({ jobId, enc, responseSecret }: { jobId: string; enc: string; responseSecret: string }) =>
    ResponseOpener.start(fromHex(jobId), fromHex(enc), fromHex(responseSecret))
  it.each(response.valid)('$name', async (one) => {
    const opener = start(one)
    const contents: string[] = []
    for (const frame of one.frames) {
      const opened = await opener.open(decodeFrame(fromHex(frame)))
      if (opened.kind === 'content') contents.push(fromUtf8(opened.content))
      if (opened.kind === 'final')
        expect({ ...opened.final, receipt: opened.final.receipt && hex(opened.final.receipt) }).toEqual(one.final)
    }
    expect(contents.filter((text) => text !== '')).toEqual(one.contents)
    expect(opener.finished).toBe(true)
  })
  it.each(response.malformed)('refuses $name', async ({ frames, code }) => {
    const opener = start(response)
    for (const frame of frames.slice(0, -1)) await opener.open(decodeFrame(fromHex(frame)))
    expect(await codeOf(async () => opener.open(decodeFrame(fromHex(frames.at(-1) ?? ''))))).toBe(code)
    expect(opener.finished).toBe(false)
  })
})

describe('refusal', () => {
  const check = async (one: (typeof refusal.valid)[number]): Promise<void> => {
    const told = {
      jobId: fromHex(one.refusedJobId),
      code: one.refusal as RefusalCode,
      signature: fromHex(one.signature),
    }
    const binding = { jobId: fromHex(one.jobId), statement: fromHex(one.statement), voucher: fromHex(one.voucher) }
    if (!(await verifyRefusal(told, binding, fromHex(one.identity))))
      throw new CocoonError('forged-refusal', 'not by this node')
  }
  it.each(refusal.valid)('$refusal', async (one) => expect(await codeOf(() => check(one))).toBe('accepted'))
  it.each(refusal.malformed)('refuses $name', async (one) => expect(await codeOf(() => check(one))).toBe(one.code))
})
