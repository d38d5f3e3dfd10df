import {
  amountOf,
  encodeMessage,
  hex,
  type Message,
  pad,
  padme,
  requestBucket,
  signFor,
  utf8,
  type Purpose,
  signInMessage,
  statementToText,
  linkChallenge,
  PROTOCOL_VERSION,
} from '../src/index.ts'
import { cbor, type Plain } from './by-hand.ts'
import { bytesFrom, makeJob, makeNode, network, readable } from './material.ts'
import { sealFrames } from './response.ts'

/** Hex of deterministic CBOR, beside what it says in JSON (byte strings as `h'…'`, large integers as decimal text). */
export function cborVectors() {
  const values: readonly [string, Plain, string][] = [
    ['zero', 0, '0'],
    ['one byte of head', 23, '23'],
    ['two bytes of head', 24, '24'],
    ['three bytes of head', 65_535, '65535'],
    ['five bytes of head', 65_536, '65536'],
    ['largest exact double', Number.MAX_SAFE_INTEGER, '9007199254740991'],
    ['largest unsigned integer', 2n ** 64n - 1n, '18446744073709551615'],
    ['negative, as a network id', network, String(network)],
    ['empty byte string', new Uint8Array(0), "h''"],
    ['byte string', Uint8Array.of(1, 2, 3), "h'010203'"],
    ['text', 'ü', '"ü"'],
    ['null and booleans', [null, true, false], '[null, true, false]'],
    ['keys in order of their encodings', { b: 1, a: 2, aa: 3 }, '{"a": 2, "b": 1, "aa": 3}'],
    ['nested', { list: [{ x: [] }, {}] }, '{"list": [{"x": []}, {}]}'],
  ]
  const malformed: readonly [string, string][] = [
    ['nothing', ''],
    ['integer longer than necessary', '1817'],
    ['length longer than necessary', '580100'],
    ['keys out of order', 'a2616200616100'],
    ['keys in order of length only by RFC 7049', 'a262616100616200'],
    ['a key twice', 'a2616100616100'],
    ['key that is no text', 'a10102'],
    ['array without end', '9f01ff'],
    ['text without end', '7f6161ff'],
    ['tag', 'c001'],
    ['float', 'f93e00'],
    ['float with a whole value', 'f93c00'],
    ['infinity', 'f97c00'],
    ['not a number', 'f97e00'],
    ['undefined', 'f7'],
    ['simple value', 'e0'],
    ['break alone', 'ff'],
    ['ill-formed UTF-8', '61ff'],
    ['surrogate in UTF-8', '63eda080'],
    ['array cut short', '8201'],
    ['byte string cut short', '4401'],
    ['length beyond any memory', '5b7fffffffffffffff'],
    ['bytes behind the object', '0000'],
  ]
  return {
    valid: values.map(([name, value, json]) => ({ name, json, hex: hex(cbor(value)) })),
    malformed: malformed.map(([name, bytes]) => ({ name, hex: bytes, code: 'broken-encoding' })),
  }
}

export function paddingVectors() {
  const lengths = [
    0, 1, 2, 3, 7, 8, 9, 10, 33, 63, 100, 255, 256, 257, 1000, 4095, 65_535, 65_536, 65_537, 100_000, 1_048_577,
    8_126_464, 8_388_591,
  ]
  const padded = hex(pad(utf8('hello'), requestBucket))
  return {
    padme: lengths.map((length) => ({ length, padded: padme(length) })),
    requestBucket: lengths.map((length) => ({ length, padded: requestBucket(length) })),
    valid: [
      { name: 'nothing', content: '', padded: hex(pad(new Uint8Array(0), requestBucket)) },
      { name: 'five bytes', content: hex(utf8('hello')), padded },
      { name: 'a full bucket', content: 'aa'.repeat(252), padded: `000000fc${'aa'.repeat(252)}` },
    ],
    malformed: [
      { name: 'no length', padded: '000000' },
      { name: 'last byte not zero', padded: `${padded.slice(0, -2)}01` },
      { name: 'first byte of padding not zero', padded: `${padded.slice(0, 18)}01${padded.slice(20)}` },
      { name: 'length beyond the end', padded: `000000fd${padded.slice(8)}` },
      { name: 'enormous length', padded: `ffffffff${padded.slice(8)}` },
      { name: 'next larger bucket', padded: padded + '00'.repeat(256) },
      { name: 'no bucket', padded: padded.slice(0, -2) },
    ].map((entry) => ({ ...entry, code: 'bad-padding' })),
  }
}

export function amountVectors() {
  const price = { prompt: 100_000_000n, cached: 10_000_000n, completion: 400_000_000n, reasoning: 400_000_000n }
  const odd = { prompt: 1n, cached: 3n, completion: 999_999n, reasoning: 7n }
  const most = 2n ** 64n - 1n
  const usage = (prompt: number, cached = 0, completion = 0, reasoning = 0) => ({
    prompt,
    cached,
    completion,
    reasoning,
  })
  const cases = [
    { name: 'nothing', usage: usage(0), price },
    { name: 'one token costs a bucket', usage: usage(1), price },
    { name: 'a full bucket costs the same', usage: usage(64), price },
    { name: 'one more token is one more bucket', usage: usage(65), price },
    { name: 'classes are rounded apart', usage: usage(1, 1, 1, 1), price },
    { name: 'a fraction of a nanogram is rounded up once', usage: usage(64, 64, 64, 64), price: odd },
    { name: 'exactly one nanogram', usage: usage(1_000_000), price: { ...odd, prompt: 1n } },
    { name: 'free', usage: usage(10, 10, 10, 10), price: { prompt: 0n, cached: 0n, completion: 0n, reasoning: 0n } },
    {
      name: 'the highest price',
      usage: usage(4096, 0, 1024),
      price: { prompt: most, cached: most, completion: most, reasoning: most },
    },
  ]
  const text = (p: typeof price) =>
    Object.fromEntries(Object.entries(p).map(([name, value]) => [name, value.toString()]))
  return { valid: cases.map((c) => ({ ...c, price: text(c.price), amount: amountOf(c.usage, c.price).toString() })) }
}

/** One message of each kind. */
export async function sampleMessages(): Promise<readonly Message[]> {
  const node = await makeNode('message node')
  const job = await makeJob('message job', node)
  const { jobId, header, body } = job.sealed
  const fields = {
    jobId,
    header,
    bodyLength: body.length,
    body,
    statement: node.digest,
    wrap: job.wrap,
    money: ['none'] as ['none'],
  }
  const refusal = { jobId, code: 'busy', signature: await bytesFrom('message signature', 64) } as const
  const [first] = await sealFrames(job, ['Hi'])
  return [
    { kind: 'open', lease: 'lease', ...fields },
    { kind: 'resume', jobId, from: 7 },
    { kind: 'stopped', jobId, code: 'no-node', retryAfterMs: 1500 },
    { kind: 'stopped', jobId, code: 'node-lost', retryAfterMs: null },
    { kind: 'refusal', ...refusal },
    {
      kind: 'moved',
      jobId,
      code: 'node-gone',
      to: {
        node: hex(node.digest),
        statement: statementToText(node.signed),
        evidence: null,
        lease: 'lease',
        expires: 1_800_000_000,
      },
    },
    { kind: 'challenge', nonce: await bytesFrom('message nonce'), network },
    {
      kind: 'hello',
      signature: await bytesFrom('message hello', 64),
      statement: node.signed,
      slots: 4,
      free: 3,
      jobs: [jobId],
    },
    { kind: 'joined', statement: node.digest },
    { kind: 'statement', statement: node.signed },
    { kind: 'load', slots: 4, free: 0, draining: true },
    { kind: 'job', ...fields },
    { kind: 'forget', jobId },
    { kind: 'chunk', jobId, body: utf8('a piece') },
    { kind: 'frame', jobId, frame: first ?? new Uint8Array(0) },
    { kind: 'ack', jobId, next: 8192 },
    { kind: 'resend', jobId, next: 3 },
    { kind: 'cancel', jobId, token: job.cancel },
    { kind: 'read', jobId, next: 5 },
  ]
}

export async function messageVectors() {
  const messages = await sampleMessages()
  const id = '11'.repeat(32)
  const bytes = Uint8Array.from({ length: 32 }, () => 0x11)
  const head = (byte: number, value: Plain): string => byte.toString(16).padStart(2, '0') + hex(cbor(value))
  const malformed: readonly [string, string][] = [
    ['nothing', ''],
    ['kind zero', '00a0'],
    ['unknown kind', `26${id}00`],
    ['unknown kind of CBOR', '17a0'],
    ['kind without fields', '02'],
    ['resume without job id', head(2, { from: 0 })],
    ['resume with an unknown field', head(2, { jobId: bytes, from: 0, to: 1 })],
    ['resume with a short job id', head(2, { jobId: bytes.slice(1), from: 0 })],
    ['resume from a negative frame', head(2, { jobId: bytes, from: -1 })],
    ['resume beyond the last frame', head(2, { jobId: bytes, from: 8193 })],
    ['stopped with a code nobody knows', head(3, { jobId: bytes, code: 'because', retryAfterMs: null })],
    ['stopped with a code of the device', head(3, { jobId: bytes, code: 'forged-frame', retryAfterMs: null })],
    ['refusal with a code of the broker', head(4, { jobId: bytes, code: 'no-node', signature: new Uint8Array(64) })],
    ['refusal with a short signature', head(4, { jobId: bytes, code: 'busy', signature: new Uint8Array(63) })],
    ['moved to nowhere', head(5, { jobId: bytes, code: 'node-gone', to: {} })],
    ['read cut short', `25${id}00`],
    ['load with a word for a number', head(0x14, { slots: 'four', free: 0, draining: false })],
    ['bytes behind the object', `${head(0x16, { jobId: bytes })}00`],
    ['first piece longer than the body', head(0x15, jobFields(bytes, 1, 2))],
    ['no body at all', head(0x15, jobFields(bytes, 0, 0))],
    ['body longer than any', head(0x15, jobFields(bytes, 8 * 1024 * 1024 + 1, 1))],
    ['money nobody knows', head(0x15, { ...jobFields(bytes, 1, 1), money: ['gold'] })],
    ['chunk without a byte', `20${id}`],
    ['acknowledgement cut short', `22${id}00000000000000`],
    ['acknowledgement beyond the last frame', `22${id}0000000000002001`],
    ['acknowledgement beyond 32 bits', `22${id}0000000100000000`],
    ['resend too long', `23${id}000000000000000000`],
    ['cancel token cut short', `24${id}${'22'.repeat(31)}`],
    ['cancel token too long', `24${id}${'22'.repeat(33)}`],
  ]
  return {
    valid: messages.map((message) => ({
      kind: message.kind,
      fields: readable(message),
      hex: hex(encodeMessage(message)),
    })),
    malformed: malformed.map(([name, hexBytes]) => ({ name, hex: hexBytes, code: 'broken-encoding' })),
  }
}

function jobFields(jobId: Uint8Array, bodyLength: number, bodyBytes: number): { readonly [key: string]: Plain } {
  const wrap = { enc: new Uint8Array(1120), ciphertext: new Uint8Array(48) }
  const statement = new Uint8Array(32)
  return {
    jobId,
    header: new Uint8Array(1),
    bodyLength,
    body: new Uint8Array(bodyBytes),
    statement,
    wrap,
    money: ['none'],
  }
}

export async function signingVectors() {
  const { signer, identitySeed } = await makeNode('signing')
  const nonce = await bytesFrom('signing nonce')
  const messages: readonly [Purpose, Uint8Array][] = [
    ['cocoon/1 statement', Uint8Array.of(0xa0)],
    ['cocoon/1 sign-in', utf8(signInMessage('https://broker.example', 1_800_000_000))],
    ['cocoon/1 link challenge', linkChallenge(nonce, 'broker.example')],
  ]
  const signed = messages.map(async ([purpose, message]) => ({
    purpose,
    message: hex(message),
    signature: hex(await signFor(purpose, signer, message)),
  }))
  return {
    version: PROTOCOL_VERSION,
    seed: hex(identitySeed),
    publicKey: hex(signer.publicKey),
    valid: await Promise.all(signed),
  }
}
