import { expect, it } from 'vitest'
import {
  type Bytes,
  concat,
  encodeCbor,
  equal,
  fromUtf8,
  jobIdOf,
  pad,
  readHeader,
  requestBucket,
  utf8,
} from '../src/index.ts'
import { gcmOpen, hkdf } from '../vectors/by-hand.ts'
import { attempt, bytesFrom, makeJob, makeNode, network } from '../vectors/material.ts'
import { openAt } from './job.ts'
import { codeOf } from './refused.ts'

/** AES-GCM commits to no key: here is one ciphertext that opens under two (Dodis et al., CRYPTO 2018, section 3). */
const POLYNOMIAL = 0xe1n << 120n

/** GF(2^128) of NIST SP 800-38D section 6.3; the first bit of a block is its highest. */
function multiply(x: bigint, y: bigint): bigint {
  let [product, shifted] = [0n, y]
  for (let bit = 127n; bit >= 0n; bit--) {
    if ((x >> bit) & 1n) product ^= shifted
    shifted = shifted & 1n ? (shifted >> 1n) ^ POLYNOMIAL : shifted >> 1n
  }
  return product
}

function power(x: bigint, exponent: bigint): bigint {
  let [result, square] = [1n << 127n, x]
  for (let e = exponent; e > 0n; e >>= 1n) {
    if (e & 1n) result = multiply(result, square)
    square = multiply(square, square)
  }
  return result
}
const inverse = (x: bigint): bigint => power(x, (1n << 128n) - 2n)

const toBlock = (value: bigint): Bytes =>
  Uint8Array.from({ length: 16 }, (_, i) => Number((value >> BigInt(8 * (15 - i))) & 0xffn))
const toNumber = (block: Uint8Array): bigint => block.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
function blocks(bytes: Uint8Array): bigint[] {
  const count = Math.ceil(bytes.length / 16)
  const padded = concat(bytes, new Uint8Array(count * 16 - bytes.length))
  return Array.from({ length: count }, (_, i) => toNumber(padded.subarray(16 * i, 16 * i + 16)))
}

/** Encrypted counter blocks: CTR of zeros, from the block given. */
async function keystream(key: Bytes, counter: Bytes, length: number): Promise<Bytes> {
  const imported = await crypto.subtle.importKey('raw', key, 'AES-CTR', false, ['encrypt'])
  return new Uint8Array(
    await crypto.subtle.encrypt({ name: 'AES-CTR', counter, length: 32 }, imported, new Uint8Array(length)),
  )
}

async function ghash(key: Bytes, aad: Bytes, ciphertext: Bytes) {
  const h = toNumber(await keystream(key, new Uint8Array(16), 16))
  const lengths = (BigInt(aad.length * 8) << 64n) | BigInt(ciphertext.length * 8)
  const sum = [...blocks(aad), ...blocks(ciphertext), lengths].reduce((y, block) => multiply(y ^ block, h), 0n)
  const mask = toNumber(await keystream(key, toBlock(1n), 16))
  return { h, tag: sum ^ mask }
}

/** Seals under the first key, with one block of the ciphertext chosen so that the tag holds under the second key too. */
async function sealForTwo(first: Bytes, second: Bytes, aad: Bytes, plaintext: Bytes, free: number): Promise<Bytes> {
  const stream = await keystream(first, toBlock(2n), plaintext.length)
  const ciphertext = plaintext.map((byte, i) => byte ^ (stream[i] ?? 0))
  ciphertext.fill(0, 16 * free, 16 * free + 16)
  const [a, b] = [await ghash(first, aad, ciphertext), await ghash(second, aad, ciphertext)]
  // The free block is multiplied by h once for itself, once for each block behind it and once for the lengths.
  const times = BigInt(blocks(ciphertext).length - free + 1)
  const block = multiply(a.tag ^ b.tag, inverse(power(a.h, times) ^ power(b.h, times)))
  ciphertext.set(toBlock(block), 16 * free)
  return concat(ciphertext, toBlock((await ghash(first, aad, ciphertext)).tag))
}

it('one sealed body that opens under two keys is refused by the commitment', async () => {
  const node = await makeNode('node')
  const [mine, theirs] = await Promise.all(['mine', 'theirs'].map((label) => bytesFrom(label)))
  if (!mine || !theirs) throw new Error('no keys')
  const none = new Uint8Array(0)
  const bodyKeys = [await hkdf(mine, none, 'cocoon/1 body'), await hkdf(theirs, none, 'cocoon/1 body')] as const
  const template = readHeader((await makeJob('template', node)).sealed.header, network)
  const header = encodeCbor({ ...template, commit: await hkdf(mine, none, 'cocoon/1 commit') })

  // Bytes 4 to 35 are content; the block from 16 on becomes noise.
  const plaintext = pad(utf8('an innocent text of 32 bytes ...'), requestBucket)
  const body = await sealForTwo(bodyKeys[0], bodyKeys[1], header, plaintext, 1)
  const [one, two] = await Promise.all(bodyKeys.map((key) => gcmOpen(key, new Uint8Array(12), header, body)))
  expect(one && two && equal(one, two)).toBe(false)

  const jobId = await jobIdOf(header, body)
  const binding = { jobId, statement: node.digest, voucher: await bytesFrom('voucher') }
  const arrive = async (contentKey: Bytes) =>
    openAt(node.prekey, { header, body, binding, wrap: (await attempt('two keys', contentKey, node, binding)).wrap })
  expect(fromUtf8(new Uint8Array((await arrive(mine)).content).slice(0, 12))).toBe('an innocent ')
  expect(await codeOf(() => arrive(theirs))).toBe('wrong-commit')
})
